package dev.tenon.it.sidebyside;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What an operation came to, in words that both sides have in common: numbers and booleans are text, and so is the
 * storage's directory.
 *
 * @param result null if there is none to compare
 * @param error why it was refused, null if it was not
 */
record Answer(@Nullable Object result, @Nullable String error) {
    static Answer of(@Nullable Object result, String directory) {
        return new Answer(plain(result, directory), null);
    }

    static Answer refused(String text, String directory) {
        return new Answer(null, text.strip().replace(directory, "DIRECTORY"));
    }

    private static @Nullable Object plain(@Nullable Object value, String directory) {
        return switch (value) {
            case null -> null;
            case Map<?, ?> map -> {
                Map<String, @Nullable Object> plain = new TreeMap<>();
                map.forEach((key, item) -> plain.put(String.valueOf(key), plain(item, directory)));
                yield plain;
            }
            case List<?> list -> {
                List<@Nullable Object> plain = new ArrayList<>();
                list.forEach(item -> plain.add(plain(item, directory)));
                yield plain;
            }
            default -> value.toString().replace(directory, "DIRECTORY");
        };
    }

    @Override
    public String toString() {
        return error == null ? "= " + result : "! " + error;
    }
}
