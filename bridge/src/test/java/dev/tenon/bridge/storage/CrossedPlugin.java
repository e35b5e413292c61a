package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.codec.Errors;
import dev.tenon.bridge.codec.RemoteStorageException;
import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.UnixSocket;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.WireError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A storage plugin called through names and values, as over a connection but without one. */
final class CrossedPlugin extends CallingPlugin implements Caller, AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Of a plugin that has every method of the newest level. */
    static final Dialect NEWEST =
            new Dialect(StorageApi.API.level(), StorageApi.API.table().methods().keySet());

    private final StoragePlugin far;
    private final Dialect dialect;
    private final Map<String, Cleanup> kept = new HashMap<>();
    private final Map<String, Integer> offered = new HashMap<>();
    private @Nullable DescriptorSocket descriptors;

    /** The methods that were called, by the names of the table. */
    final List<String> called = new ArrayList<>();

    /** The frames that would have crossed, each call's request and its answer, in that order. */
    final List<Frame> frames = new ArrayList<>();

    /** Frames that cross in place of those, as they were written down once; none if the calls' own do. */
    private final Deque<Frame> written = new ArrayDeque<>();

    CrossedPlugin(StoragePlugin far, Dialect dialect) {
        this.far = far;
        this.dialect = dialect;
    }

    /** The same with these frames in place of its own. */
    CrossedPlugin replaying(List<Frame> replayed) {
        written.addAll(replayed);
        return this;
    }

    @Override
    protected Dialect dialect() {
        return dialect;
    }

    @Override
    protected Value call(String method, Fields params) {
        called.add(method);
        frames.add(written.isEmpty() ? request(method, params) : written.remove());
        Frame answer = answer((Frame.Request) frames.getLast());
        frames.add(written.isEmpty() ? answer : written.remove());
        return switch (frames.getLast()) {
            case Frame.Response(long ignored, Value result) -> result;
            case Frame.Failure(long ignored, WireError error) -> throw Errors.fromWire(error, method);
            case Frame other -> throw new AssertionError(other);
        };
    }

    private Frame request(String method, Fields params) {
        return new Frame.Request(called.size(), method, params, CallContext.NONE);
    }

    private Frame answer(Frame.Request request) {
        try {
            Value answer = StorageApi.callee(far).call(request.method(), request.params(), this);
            StorageApi.API.method(request.method()).checkResult(answer);
            return new Frame.Response(request.id(), answer);
        } catch (RemoteStorageException e) {
            return new Frame.Failure(request.id(), e.wireError());
        }
    }

    @Override
    protected void claim(String token) {
        Objects.requireNonNull(kept.remove(token), token).run();
    }

    @Override
    protected <T> T offering(int descriptor, Function<String, T> call) {
        String token = String.format(Locale.ROOT, "%032x", offered.size());
        offered.put(token, descriptor);
        return call.apply(token);
    }

    /** Another of the same file, as over a socket. */
    @Override
    public Descriptor descriptor(String token) {
        try {
            if (descriptors == null) {
                Path path = Files.createTempDirectory("crossed").resolve("socket");
                descriptors = DescriptorSocket.listen(path, peer -> true);
            }
            try (UnixSocket connection = UnixSocket.connect(descriptors.path())) {
                connection.send(HexFormat.of().parseHex(token));
                connection.send(new byte[1], Objects.requireNonNull(offered.remove(token), token));
            }
            return descriptors.claim(token, PATIENCE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void whenGone(Consumer<String> action) {}

    @Override
    public void close() throws IOException {
        if (descriptors != null) {
            descriptors.close();
            Files.delete(Objects.requireNonNull(descriptors.path().getParent()));
        }
    }

    @Override
    public Value run(long function, List<Value> args) {
        return functions.run(Value.fields("id", new Value.Int(function), "args", new Value.Seq(args)));
    }

    @Override
    public String keep(Cleanup cleanup) {
        String token = "token-" + kept.size();
        kept.put(token, cleanup);
        return token;
    }
}
