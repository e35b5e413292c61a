package dev.tenon.proto;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.proto.Method.Param;
import dev.tenon.proto.Method.Result;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The methods of an API, one row a method, read from the data file that Perl reads too. */
public final class MethodTable {
    private final String api;
    private final int oldestLevel;
    private final int newestLevel;
    private final Map<String, Method> methods;

    private MethodTable(String api, int oldestLevel, int newestLevel, Map<String, Method> methods) {
        this.api = api;
        this.oldestLevel = oldestLevel;
        this.newestLevel = newestLevel;
        this.methods = Collections.unmodifiableMap(methods);
    }

    /** The name of the API. */
    public String api() {
        return api;
    }

    public int newestLevel() {
        return newestLevel;
    }

    /** All rows by name, in the order of the file. */
    public Map<String, Method> methods() {
        return methods;
    }

    /**
     * The row of a method that was called.
     *
     * @throws ProtocolException {@code UNKNOWN_METHOD}
     */
    public Method method(String name) {
        return Optional.ofNullable(methods.get(name))
                .orElseThrow(() -> new ProtocolException(
                        ErrorCode.UNKNOWN_METHOD,
                        "the method '" + name.replaceAll("\\p{Cntrl}", "?") + "' is in no API level from " + oldestLevel
                                + " to " + newestLevel));
    }

    static MethodTable read(InputStream json) throws IOException {
        return of(JSON.std.mapFrom(json));
    }

    private static MethodTable of(Map<String, Object> json) {
        Map<String, Object> levels = map(json, "levels");
        Map<String, Object> records = map(json, "records");
        Map<String, Method> methods = new LinkedHashMap<>();
        for (Object row : list(json, "methods")) {
            Method method = method(asMap(row), records);
            if (methods.put(method.name(), method) != null) {
                throw new IllegalStateException("the method table has two rows for " + method.name());
            }
        }
        return new MethodTable(text(json, "api"), number(levels, "oldest"), number(levels, "newest"), methods);
    }

    private static Method method(Map<String, Object> row, Map<String, Object> records) {
        NavigableMap<Integer, List<String>> positions = new TreeMap<>();
        map(row, "positions")
                .forEach((level, names) -> positions.put(
                        Integer.valueOf(level),
                        asList(names).stream().map(String::valueOf).toList()));
        return new Method(
                text(row, "name"),
                row.containsKey("typed") ? text(row, "typed") : camelCase(text(row, "name")),
                params(list(row, "params")),
                Collections.unmodifiableNavigableMap(positions),
                text(row, "context"),
                result(map(row, "result"), records),
                Boolean.TRUE.equals(row.get("pure")),
                Boolean.TRUE.equals(row.get("declared")),
                Boolean.TRUE.equals(row.get("fresh")),
                optionalText(row, "answered"),
                optionalText(row, "lock"),
                number(row, "since"),
                row.containsKey("until") ? number(row, "until") : Integer.MAX_VALUE,
                Duration.ofSeconds(number(row, "deadline")));
    }

    private static String camelCase(String name) {
        return Pattern.compile("_(.)")
                .matcher(name)
                .replaceAll(match -> match.group(1).toUpperCase(Locale.ROOT));
    }

    private static Result result(Map<String, Object> json, Map<String, Object> records) {
        String shape = text(json, "shape");
        return switch (shape) {
            case "none" -> new Result.None();
            case "value" -> new Result.Single(Type.parse(text(json, "type")));
            case "tuple" -> new Result.Tuple(params(list(json, "fields")), text(json, "scalar"));
            case "list" -> {
                String name = text(json, "type");
                Map<String, Object> declared = map(records, name);
                yield new Result.Records(name, params(list(declared, "fields")), declared.containsKey("other"));
            }
            default -> throw new IllegalStateException("the method table names the unknown shape '" + shape + "'");
        };
    }

    private static List<Param> params(List<Object> rows) {
        return rows.stream()
                .map(MethodTable::asMap)
                .map(row -> new Param(
                        text(row, "name"),
                        Type.parse(text(row, "type")),
                        optionalText(row, "unit"),
                        optionalText(row, "default"),
                        Boolean.TRUE.equals(row.get("inout")),
                        Boolean.TRUE.equals(row.get("tenon"))))
                .toList();
    }

    // The file is part of this jar: a wrong shape is a defect of the build, found by the first test.

    @SuppressWarnings("unchecked")
    private static Map<String, Object> asMap(Object value) {
        return (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked")
    private static List<Object> asList(Object value) {
        return (List<Object>) value;
    }

    private static Object required(Map<String, Object> json, String key) {
        return Objects.requireNonNull(json.get(key), key);
    }

    private static Map<String, Object> map(Map<String, Object> json, String key) {
        return asMap(required(json, key));
    }

    private static List<Object> list(Map<String, Object> json, String key) {
        return asList(required(json, key));
    }

    private static String text(Map<String, Object> json, String key) {
        return (String) required(json, key);
    }

    private static @Nullable String optionalText(Map<String, Object> json, String key) {
        return (String) json.get(key);
    }

    private static int number(Map<String, Object> json, String key) {
        return ((Number) required(json, key)).intValue();
    }
}
