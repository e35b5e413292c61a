package dev.tenon.bridge.storage;

import dev.tenon.proto.CallContext;
import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * What the calls of the first build were on the wire, a line a frame: the operation, and the frame in hex. A process of that
 * build may be at the other end for as long as a host is not restarted, so the file is never made anew.
 */
final class FrozenFrames {
    private static final String FILE = "/frozen/calls-0.1.txt";
    private static final FrameCodec CODEC = new FrameCodec(Limits.DEFAULT);
    private static final List<String> LINES = read();

    private FrozenFrames() {}

    private static List<String> read() {
        try (InputStream in = Objects.requireNonNull(FrozenFrames.class.getResourceAsStream(FILE), FILE)) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The frames of an operation, each request and its answer; empty if the first build had no such operation. */
    static List<Frame> of(String operation) {
        return LINES.stream()
                .filter(line -> line.startsWith(operation + " "))
                .map(line -> HexFormat.of().parseHex(line, operation.length() + 1, line.length()))
                .map(bytes -> CODEC.decode(Arrays.copyOfRange(bytes, FrameCodec.LENGTH_BYTES, bytes.length)))
                .toList();
    }

    /** Whether a frame says all that another does. A map may have more entries: whoever does not know them drops them. */
    static boolean holds(Frame now, Frame then) {
        return switch (now) {
            case Frame.Request(long id, String method, Value.Fields params, CallContext ignored)
            when then instanceof Frame.Request request ->
                id == request.id() && method.equals(request.method()) && holds(params, request.params());
            case Frame.Response(long id, Value result)
            when then instanceof Frame.Response response -> id == response.id() && holds(result, response.result());
            default -> now.equals(then);
        };
    }

    private static boolean holds(Value now, Value then) {
        return switch (then) {
            case Value.Fields(Map<String, Value> entries) ->
                now instanceof Value.Fields more
                        && entries.entrySet().stream()
                                .allMatch(entry -> more.entries().containsKey(entry.getKey())
                                        && holds(more.get(entry.getKey()), entry.getValue()));
            case Value.Seq(List<Value> items) ->
                now instanceof Value.Seq(List<Value> others)
                        && items.size() == others.size()
                        && IntStream.range(0, items.size()).allMatch(i -> holds(others.get(i), items.get(i)));
            case Value other -> now.equals(other);
        };
    }
}
