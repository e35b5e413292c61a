package dev.tenon.bridge.serve;

import dev.tenon.bridge.codec.Callee;
import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.session.CallHandler;
import dev.tenon.bridge.session.Gates;
import dev.tenon.bridge.session.IncomingCall;
import dev.tenon.bridge.session.LargeAnswers;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.bridge.transport.PeerCredentials;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.proto.Api;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Method;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Answers calls with the plugins of an API that are served, each under a name, mostly its type. */
public final class ServedPlugins implements AutoCloseable {
    /** How many calls may be inside one storage that take moments, and how many that may take long. */
    private static final int MOST_INSIDE = 32;

    /** What takes longer than this must not keep out what does not. */
    private static final Duration LONG = Duration.ofSeconds(60);

    /** The call by which somebody does the work that a {@code free_image} left: {@code {"token": text}}. */
    private static final String CLAIM = "claim";

    private final Api api;
    private final Map<String, Callee> plugins;
    private final Map<String, Request> requests;
    private final Leftovers leftovers = new Leftovers();
    private final ServedObjects objects = new ServedObjects();
    private final Gates gates = new Gates();
    private final LargeAnswers large = new LargeAnswers();

    /** Answers, in a document as text, what people ask the program itself, in words by their names. */
    @FunctionalInterface
    public interface Request {
        /**
         * Answers.
         *
         * @throws dev.tenon.core.spi.StorageException if a word is wrong, or it cannot be done; the message says what to do
         */
        String answer(Map<String, String> words);
    }

    public ServedPlugins(Api api, Map<String, Callee> plugins) {
        this(api, plugins, Map.of());
    }

    private ServedPlugins(Api api, Map<String, Callee> plugins, Map<String, Request> requests) {
        this.api = api;
        this.plugins = Map.copyOf(plugins);
        this.requests = Map.copyOf(requests);
    }

    /** Storage plugins, each under its name. */
    public static ServedPlugins ofStorages(Map<String, ? extends StoragePlugin> plugins) {
        return ofStorages(plugins, Map.of());
    }

    /**
     * The same of a program that people ask more.
     *
     * @param requests by the names of their calls
     */
    public static ServedPlugins ofStorages(
            Map<String, ? extends StoragePlugin> plugins, Map<String, Request> requests) {
        Map<String, Callee> callees = new TreeMap<>();
        plugins.forEach((name, plugin) -> callees.put(name, StorageApi.callee(plugin)));
        return new ServedPlugins(StorageApi.API, callees, requests);
    }

    /** The API that is served. */
    public Api api() {
        return api;
    }

    public Set<String> names() {
        return plugins.keySet();
    }

    /** Which calls share threads. */
    private record Place(String plugin, String storage, boolean isLong) {}

    /** Where calls are under way now. */
    List<Overview.Crowd> crowds() {
        return gates.crowds().stream()
                .map(crowd -> {
                    Place place = (Place) crowd.key();
                    return new Overview.Crowd(
                            place.plugin(),
                            place.storage(),
                            place.isLong(),
                            crowd.inside(),
                            crowd.waiting(),
                            crowd.late(),
                            crowd.oldest());
                })
                .sorted(Comparator.comparing(Overview.Crowd::plugin)
                        .thenComparing(Overview.Crowd::storage)
                        .thenComparing(Overview.Crowd::areLong))
                .toList();
    }

    /**
     * Whether nothing is under way.
     *
     * @param awaits whether work that is left, and not claimed, counts
     */
    boolean isIdle(boolean awaits) {
        return gates.crowds().isEmpty()
                && !leftovers.areRunning()
                && !objects.areKept()
                && !(awaits && leftovers.areLeft());
    }

    /** Whether the process at the other end of a connection has an object here that cannot be made anew elsewhere. */
    boolean isNeededBy(Session session) {
        PeerCredentials peer = session.peer();
        return peer != null && objects.areKeptFor(peer.pid());
    }

    /**
     * Answers calls, each inside of its storage.
     *
     * @param descriptors where their callers send open files
     * @param own answers the calls that are for this program itself, and with null those that are not
     * @param before where work may be left, too; null for nowhere
     */
    CallHandler handler(
            DescriptorSocket descriptors, Function<IncomingCall, @Nullable Value> own, @Nullable Predecessor before) {
        return new CallHandler() {
            @Override
            public Value handle(IncomingCall call) {
                Value answer = isForPlugin(call) ? null : own.apply(call);
                if (answer != null) {
                    return answer;
                }
                Request request = isForPlugin(call) ? null : requests.get(call.method());
                if (request != null) {
                    return Value.ofText(request.answer(words(call.params())));
                }
                if (before != null
                        && call.method().equals(CLAIM)
                        && !leftovers.has(call.params())
                        && !before.hasEnded()) {
                    return before.claim(call);
                }
                return ServedPlugins.this.handle(call, descriptors);
            }

            private Map<String, String> words(Value.Fields params) {
                Map<String, String> words = new TreeMap<>();
                params.entries().forEach((name, value) -> {
                    if (value instanceof Value.Text(String text)) {
                        words.put(name, text);
                    }
                });
                return words;
            }

            private boolean isForPlugin(IncomingCall call) {
                return call.context().plugin() != null || call.context().object() != null;
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
                Method row = row(request);
                return row == null ? null : row.deadline();
            }
        };
    }

    private ServedObjects.@Nullable Entry object(CallContext context) {
        return context.object() == null ? null : objects.get(context.object());
    }

    private @Nullable Method row(Frame.Request request) {
        ServedObjects.Entry object = object(request.context());
        return object != null
                ? object.row(request.method())
                : request.context().object() == null ? api.table().methods().get(request.method()) : null;
    }

    private Gates.@Nullable Gate gate(Frame.Request request) {
        ServedObjects.Entry object = object(request.context());
        String plugin = object == null ? request.context().plugin() : object.plugin();
        Method row = row(request);
        if (plugin == null || row == null) {
            return null;
        }
        String storage = object == null ? storage(request.params()) : object.storage();
        return gates.of(
                new Place(plugin, storage, row.deadline().compareTo(LONG) > 0),
                storage.isEmpty() ? "the plugin '" + plugin + "'" : "the storage '" + storage + "'",
                MOST_INSIDE);
    }

    /** A list may be of any length. */
    private LargeAnswers.@Nullable Turn turn(Frame.Request request) {
        String plugin = request.context().plugin();
        Method row = row(request);
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
        String token = call.context().object();
        if (token != null) {
            return callObject(token, call, descriptors);
        }
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
        try (SessionCaller caller = new SessionCaller(call, leftovers, descriptors, objects, storage(call.params()))) {
            return caller.host().call(() -> plugin.call(call.method(), call.params(), caller));
        }
    }

    private Value callObject(String token, IncomingCall call, DescriptorSocket descriptors) {
        ServedObjects.Entry object = objects.get(token);
        if (object == null) {
            throw new ProtocolException(
                    ErrorCode.OBJECT_GONE,
                    call.method()
                            + ": the daemon does not have the object any more; it was restarted, or is another one");
        }
        try (SessionCaller caller = new SessionCaller(call, leftovers, descriptors, objects, object.storage())) {
            return caller.host().call(() -> object.call(call, caller));
        }
    }

    /** Releases the objects that calls have made. */
    @Override
    public void close() {
        objects.close();
    }
}
