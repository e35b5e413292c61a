package dev.tenon.proto;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A byte-exact example: of a good frame, or of bytes that must be refused. */
record WireVector(String name, String about, Optional<Value> frame, Optional<ErrorCode> rejected, String hex) {

    static List<WireVector> all() {
        return read("vectors.json");
    }

    /** Those of the first build, with which a process of that build may still speak. They never change. */
    static List<WireVector> frozen() {
        return read("/frozen/frames-0.1.json");
    }

    private static List<WireVector> read(String file) {
        try (InputStream in = Objects.requireNonNull(WireVector.class.getResourceAsStream(file), file)) {
            List<WireVector> vectors = new ArrayList<>();
            for (Object item : JSON.std.listFrom(in)) {
                Map<?, ?> row = (Map<?, ?>) item;
                vectors.add(new WireVector(
                        String.valueOf(row.get("name")),
                        String.valueOf(row.get("about")),
                        Optional.ofNullable(row.get("frame")).map(WireVector::value),
                        Optional.ofNullable(row.get("rejected")).map(code -> ErrorCode.valueOf(String.valueOf(code))),
                        String.valueOf(row.get("hex"))));
            }
            return vectors;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    byte[] bytes() {
        return HexFormat.of().parseHex(hex);
    }

    @Override
    public String toString() {
        return name;
    }

    private static Value value(@Nullable Object json) {
        return switch (json) {
            case null -> Value.Nil.NIL;
            case Boolean truth -> new Value.Bool(truth);
            case Number number -> new Value.Int(number.longValue());
            case String text -> new Value.Text(text);
            case List<?> items -> {
                List<Value> values = new ArrayList<>();
                items.forEach(item -> values.add(value(item)));
                yield new Value.Seq(values);
            }
            case Map<?, ?> map
            when map.containsKey("$bytes") ->
                new Value.Bytes(HexFormat.of().parseHex(String.valueOf(map.get("$bytes"))));
            case Map<?, ?> map -> {
                Map<String, Value> entries = new LinkedHashMap<>();
                map.forEach((key, item) -> entries.put(String.valueOf(key), value(item)));
                yield new Value.Fields(entries);
            }
            default -> throw new IllegalArgumentException(json.toString());
        };
    }
}
