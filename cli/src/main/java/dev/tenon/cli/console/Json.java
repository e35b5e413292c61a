package dev.tenon.cli.console;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.ByteSize;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** JSON for machines: sizes are bytes, times are seconds since 1970, what is not known is null. */
public final class Json {
    private Json() {}

    /** An object; keys and values in turn. Sizes, names and times become numbers and text. */
    public static Map<String, @Nullable Object> object(@Nullable Object... entries) {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        for (int i = 0; i < entries.length; i += 2) {
            object.put(String.valueOf(entries[i]), value(entries[i + 1]));
        }
        return object;
    }

    private static @Nullable Object value(@Nullable Object value) {
        return switch (value) {
            case null -> null;
            case ByteSize size -> size.bytes();
            case Optional<?> optional -> value(optional.orElse(null));
            case Stream<?> stream -> stream.map(Json::value).collect(Collectors.toList());
            case Number number -> number;
            case Boolean truth -> truth;
            case Iterable<?> items -> items;
            case Map<?, ?> map -> map;
            default -> value.toString();
        };
    }

    public static void print(PrintWriter out, Object value) throws IOException {
        out.println(JSON.std
                .with(JSON.Feature.PRETTY_PRINT_OUTPUT)
                .with(JSON.Feature.WRITE_NULL_PROPERTIES)
                .asString(value));
    }
}
