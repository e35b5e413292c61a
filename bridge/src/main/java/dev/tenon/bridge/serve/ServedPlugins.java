package dev.tenon.bridge.serve;

import dev.tenon.bridge.codec.Callee;
import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.session.CallHandler;
import dev.tenon.bridge.session.Gates;
import dev.tenon.bridge.session.IncomingCall;
import dev.tenon.bridge.session.LargeAnswers;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.proto.Api;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Method;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Answers calls with the plugins of an API that are served, each under a name, mostly its type. */
public final class ServedPlugins {
    /** How many calls may be inside one storage that take moments, and how many that may take long. */
    private static final int MOST_INSIDE = 32;

    /** What takes longer than this must not keep out what does not. */
    private static final Duration LONG = Duration.ofSeconds(60);

    /** The call by which somebody does the work that a {@code free_image} left: {@code {"token": text}}. */
    private static final String CLAIM = "claim";

    private final Api api;
    private final Map<String, Callee> plugins;
    private final Leftovers leftovers = new Leftovers();
    private final Gates gates = new Gates();
    private final LargeAnswers large = new LargeAnswers();

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

    /** Which calls share threads. */
    private record Place(String plugin, String storage, boolean isLong) {}

    /**
     * Answers calls, each inside of its storage.
     *
     * @param descriptors where their callers send open files
     */
    public CallHandler handler(DescriptorSocket descriptors) {
        return new CallHandler() {
            @Override
            public Value handle(IncomingCall call) {
                return ServedPlugins.this.handle(call, descriptors);
            }

            @Override
            public Gates.@Nullable Gate gate(Frame.Request request) {
                return ServedPlugins.this.gate(request);
            }

            @Override
            public LargeAnswers.@Nullable Turn turn(Frame.Request request) {
                return ServedPlugins.this.turn(request);
            }

            @Override
            public @Nullable Duration limit(Frame.Request request) {
                Method row = api.table().methods().get(request.method());
                return row == null ? null : row.deadline();
            }
        };
    }

    private Gates.@Nullable Gate gate(Frame.Request request) {
        String plugin = request.context().plugin();
        Method row = api.table().methods().get(request.method());
        if (plugin == null || row == null) {
            return null;
        }
        String storage = storage(request.params());
        return gates.of(
                new Place(plugin, storage, row.deadline().compareTo(LONG) > 0),
                storage.isEmpty() ? "the plugin '" + plugin + "'" : "the storage '" + storage + "'",
                MOST_INSIDE);
    }

    /** A list may be of any length. */
    private LargeAnswers.@Nullable Turn turn(Frame.Request request) {
        String plugin = request.context().plugin();
        Method row = api.table().methods().get(request.method());
        return plugin == null || row == null || !(row.result() instanceof Method.Result.Records)
                ? null
                : large.of(List.of(plugin, storage(request.params()), row.name()));
    }

    /** A call that names no storage is told from others by where that is. */
    private static String storage(Value.Fields params) {
        if (params.get("storeid") instanceof Value.Text(String id)) {
            return id;
        }
        return params.get("scfg") instanceof Value.Fields section
                        && section.get("path") instanceof Value.Text(String path)
                ? path
                : "";
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
        SessionCaller caller = new SessionCaller(call, leftovers, descriptors);
        return caller.host().call(() -> plugin.call(call.method(), call.params(), caller));
    }
}
