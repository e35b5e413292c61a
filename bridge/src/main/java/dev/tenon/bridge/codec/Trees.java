package dev.tenon.bridge.codec;

import dev.tenon.proto.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Values of type {@code tree} and {@code section} as plain Java: maps, lists and text. */
public final class Trees {
    private Trees() {}

    /** Maps, lists and text; null for nil. Entries and elements that are nil are left out. */
    public static @Nullable Object toJava(Value value) {
        return switch (value) {
            case Value.Nil ignored -> null;
            case Value.Bool(boolean truth) -> truth ? "1" : "0";
            case Value.Int(long number) -> Long.toString(number);
            case Value.Real(double number) -> Double.toString(number);
            case Value.Text(String text) -> text;
            case Value.Bytes ignored -> throw new IllegalArgumentException("bytes cannot be part of a tree");
            case Value.Seq(List<Value> items) ->
                items.stream().map(Trees::toJava).filter(Objects::nonNull).toList();
            case Value.Fields(Map<String, Value> entries) -> {
                Map<String, Object> map = new LinkedHashMap<>();
                entries.forEach((key, entry) -> {
                    Object plain = toJava(entry);
                    if (plain != null) {
                        map.put(key, plain);
                    }
                });
                yield map;
            }
        };
    }

    /** Values of type {@code json} as plain Java: also {@code Long}, {@code Double} and {@code Boolean}. */
    public static @Nullable Object jsonToJava(Value value) {
        return switch (value) {
            case Value.Bool(boolean truth) -> truth;
            case Value.Int(long number) -> number;
            case Value.Real(double number) -> number;
            case Value.Seq(List<Value> items) ->
                items.stream().map(Trees::jsonToJava).filter(Objects::nonNull).toList();
            case Value.Fields(Map<String, Value> entries) -> {
                Map<String, Object> map = new LinkedHashMap<>();
                entries.forEach((key, entry) -> {
                    Object plain = jsonToJava(entry);
                    if (plain != null) {
                        map.put(key, plain);
                    }
                });
                yield map;
            }
            case Value other -> toJava(other);
        };
    }

    public static Value jsonToValue(@Nullable Object plain) {
        return switch (plain) {
            case Boolean truth -> new Value.Bool(truth);
            case Integer number -> new Value.Int(number);
            case Long number -> new Value.Int(number);
            case Double number -> new Value.Real(number);
            case Map<?, ?> map -> {
                Map<String, Value> entries = new LinkedHashMap<>();
                map.forEach((key, value) -> entries.put(String.valueOf(key), jsonToValue(value)));
                yield new Value.Fields(entries);
            }
            case Iterable<?> items -> {
                List<Value> values = new ArrayList<>();
                items.forEach(item -> values.add(jsonToValue(item)));
                yield new Value.Seq(values);
            }
            case null -> Value.Nil.NIL;
            case Object other -> Value.ofText(other.toString());
        };
    }

    public static Value toValue(@Nullable Object plain) {
        return switch (plain) {
            case null -> Value.Nil.NIL;
            case Boolean truth -> Value.ofText(truth ? "1" : "0");
            case Map<?, ?> map -> {
                Map<String, Value> entries = new LinkedHashMap<>();
                map.forEach((key, value) -> entries.put(String.valueOf(key), toValue(value)));
                yield new Value.Fields(entries);
            }
            case Iterable<?> items -> {
                List<Value> values = new ArrayList<>();
                items.forEach(item -> values.add(toValue(item)));
                yield new Value.Seq(values);
            }
            case Object other -> Value.ofText(other.toString());
        };
    }

    /** The entries of a map in a tree; empty for any other value. */
    public static Map<String, Object> map(@Nullable Object tree) {
        Map<String, Object> map = new LinkedHashMap<>();
        if (tree instanceof Map<?, ?> entries) {
            entries.forEach((key, value) -> {
                if (value != null) {
                    map.put(String.valueOf(key), value);
                }
            });
        }
        return map;
    }
}
