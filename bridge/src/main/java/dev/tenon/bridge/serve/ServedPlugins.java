package dev.tenon.bridge.serve;

import dev.tenon.bridge.codec.Callee;
import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.session.IncomingCall;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.proto.Api;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Answers calls with the plugins of an API that are served, each under a name, mostly its type. */
public final class ServedPlugins {
    /** The call by which somebody does the work that a {@code free_image} left: {@code {"token": text}}. */
    private static final String CLAIM = "claim";

    private final Api api;
    private final Map<String, Callee> plugins;
    private final Leftovers leftovers = new Leftovers();

    public ServedPlugins(Api api, Map<String, Callee> plugins) {
        this.api = api;
        this.plugins = Map.copyOf(plugins);
    }

    /** Storage plugins, each under its name. */
    public static ServedPlugins ofStorages(Map<String, ? extends StoragePlugin> plugins) {
        Map<String, Callee> callees = new TreeMap<>();
        plugins.forEach((name, plugin) -> callees.put(name, StorageApi.callee(plugin)));
        return new ServedPlugins(StorageApi.API, callees);
    }

    /** What is spoken. */
    public Api api() {
        return api;
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
        Callee plugin = name == null ? null : plugins.get(name);
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
        return plugin.call(call.method(), call.params(), new SessionCaller(call, leftovers, descriptors));
    }
}
