package dev.tenon.cli.demo;

import dev.tenon.proto.Method;
import dev.tenon.proto.Type;
import dev.tenon.proto.Value;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An answer in one notation, whichever language it came from: text for every number and truth value, nothing for undef,
 * lists of images by name. So answers can be compared, and shown.
 *
 * @param error what the call failed with, null if it did not
 * @param reached whether the far side was called at all
 */
record Answer(@Nullable Object plain, @Nullable String error, boolean reached) {

    static Answer ofPerl(Method method, RecordedCall call) {
        String error = call.error();
        return error == null
                ? new Answer(shaped(method, call.result()), null, true)
                : new Answer(null, error.strip(), true);
    }

    static Answer ofJava(Method method, Value value) {
        return new Answer(shaped(method, plain(value)), null, true);
    }

    static Answer failed(String error) {
        return new Answer(null, error.strip(), true);
    }

    /** The call was refused on this side, before it could reach the other. */
    static Answer refused(String error) {
        return new Answer(null, error.strip(), false);
    }

    private static @Nullable Object plain(Value value) {
        return switch (value) {
            case Value.Nil ignored -> null;
            case Value.Bool(boolean truth) -> truth;
            case Value.Int(long number) -> number;
            case Value.Real(double number) -> number;
            case Value.Text(String text) -> text;
            case Value.Bytes bytes -> bytes.toString();
            case Value.Seq(List<Value> items) -> {
                List<@Nullable Object> list = new ArrayList<>();
                items.forEach(item -> list.add(plain(item)));
                yield list;
            }
            case Value.Fields(Map<String, Value> entries) -> {
                Map<String, @Nullable Object> map = new TreeMap<>();
                entries.forEach((key, entry) -> map.put(key, plain(entry)));
                yield map;
            }
        };
    }

    /** A tuple is a list in Perl and a map on the wire; here it is a map. */
    private static @Nullable Object shaped(Method method, @Nullable Object plain) {
        return switch (method.result()) {
            case Method.Result.None() -> null;
            case Method.Result.Tuple(List<Method.Param> fields, String ignored)
            when plain instanceof List<?> list -> {
                Map<String, @Nullable Object> map = new TreeMap<>();
                for (int i = 0; i < fields.size() && i < list.size(); i++) {
                    map.put(fields.get(i).name(), truth(fields.get(i), list.get(i)));
                }
                yield text(map);
            }
            case Method.Result ignored -> text(plain);
        };
    }

    /** Where the wire has a truth value, Perl has undef, 0 or an empty text, or any other value. */
    private static @Nullable Object truth(Method.Param field, @Nullable Object value) {
        if (field.type().kind() != Type.Kind.BOOL || field.type().nullable()) {
            return value;
        }
        return value != null && !value.equals(false) && !List.of("", "0").contains(value.toString());
    }

    private static @Nullable Object text(@Nullable Object plain) {
        return switch (plain) {
            case null -> null;
            case Boolean truth -> truth ? "1" : "0";
            case Map<?, ?> map -> {
                Map<String, Object> result = new TreeMap<>();
                map.forEach((key, value) -> {
                    Object shown = text(value);
                    if (shown != null) {
                        result.put(String.valueOf(key), shown);
                    }
                });
                yield result;
            }
            case List<?> list -> {
                List<Object> result = new ArrayList<>();
                for (Object item : list) {
                    Object shown = text(item);
                    if (shown != null) {
                        result.add(shown);
                    }
                }
                result.sort(Comparator.comparing(Answer::name).thenComparing(Object::toString));
                yield result;
            }
            case Object other -> other.toString();
        };
    }

    /** What elements of a list are sorted by; times must not decide their order. */
    private static String name(Object element) {
        return element instanceof Map<?, ?> record ? String.valueOf(record.get("volid")) : "";
    }

    /** The answer in a few words. */
    String brief() {
        if (plain instanceof List<?> list) {
            return count(list);
        }
        return shown();
    }

    /** The answer whole; a list has a line for each element. */
    String shown() {
        if (error != null) {
            return "dies: " + error;
        }
        return switch (plain) {
            case null -> "done";
            case List<?> list -> {
                StringBuilder lines = new StringBuilder(count(list));
                list.forEach(item -> lines.append("\n      ").append(words(item)));
                yield lines.toString();
            }
            default -> words(plain);
        };
    }

    /** A map as {@code key=value} words, the name of a volume first. */
    private static String words(Object item) {
        if (!(item instanceof Map<?, ?> map)) {
            return item.toString();
        }
        StringBuilder words = new StringBuilder(map.get("volid") instanceof String volid ? volid : "");
        map.forEach((key, value) -> {
            if (!key.equals("volid")) {
                words.append(words.isEmpty() ? "" : "  ")
                        .append(key)
                        .append('=')
                        .append(value);
            }
        });
        return words.toString();
    }

    private static String count(List<?> list) {
        return list.size() == 1 ? "1 image" : list.size() + " images";
    }
}
