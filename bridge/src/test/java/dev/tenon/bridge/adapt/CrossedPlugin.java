package dev.tenon.bridge.adapt;

import dev.tenon.bridge.stream.DescriptorSocket;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.UnixSocket;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.proto.MethodTable;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
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
    private final StoragePlugin far;
    private final Dialect dialect;
    private final Map<String, Cleanup> kept = new HashMap<>();
    private final Map<String, Integer> offered = new HashMap<>();
    private @Nullable DescriptorSocket descriptors;

    /** The methods that were called, by the names of the table. */
    final List<String> called = new ArrayList<>();

    CrossedPlugin(StoragePlugin far, Dialect dialect) {
        this.far = far;
        this.dialect = dialect;
    }

    @Override
    protected Dialect dialect() {
        return dialect;
    }

    @Override
    protected Value call(String method, Fields params) {
        called.add(method);
        Value answer = TypedCalls.call(far, method, params, this);
        MethodTable.storagePlugin().method(method).checkResult(answer);
        return answer;
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
