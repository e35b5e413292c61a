package dev.tenon.bridge.serve;

import dev.tenon.bridge.adapt.TypedCalls;
import dev.tenon.bridge.session.IncomingCall;
import dev.tenon.bridge.stream.DescriptorSocket;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Answers calls with the storage plugins that are served, each under a name, mostly its type. */
public final class ServedPlugins {
    /** The call by which somebody does the work that a {@code free_image} left: {@code {"token": text}}. */
    private static final String CLAIM = "claim";

    private final Map<String, StoragePlugin> plugins;
    private final Leftovers leftovers = new Leftovers();

    public ServedPlugins(Map<String, ? extends StoragePlugin> plugins) {
        this.plugins = Map.copyOf(new TreeMap<>(plugins));
    }

    public Set<String> names() {
        return plugins.keySet();
    }

    /**
     * Answers a call.
     *
     * @param descriptors where its caller sends open files
     */
    public Value handle(IncomingCall call, DescriptorSocket descriptors) {
        String name = call.context().plugin();
        StoragePlugin plugin = name == null ? null : plugins.get(name);
        if (plugin == null) {
            throw new ProtocolException(
                    ErrorCode.UNKNOWN_PLUGIN,
                    call.method() + ": "
                            + (name == null ? "the call names no plugin" : "no plugin '" + name + "' is served")
                            + "; served are " + new TreeSet<>(plugins.keySet()));
        }
        if (call.method().equals(CLAIM)) {
            leftovers.claim(call.params());
            return Value.Nil.NIL;
        }
        return TypedCalls.call(plugin, call.method(), call.params(), new SessionCaller(call, leftovers, descriptors));
    }
}
