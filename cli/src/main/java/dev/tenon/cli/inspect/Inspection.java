package dev.tenon.cli.inspect;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What is known about one plugin file.
 *
 * @param told what Perl said, unchanged
 * @param problems sentences
 * @param hosts by API level
 */
record Inspection(
        Path file, Map<String, @Nullable Object> told, List<String> problems, NavigableMap<Integer, Verdict> hosts) {
    /** Machines find these first, and always. */
    private static final List<String> FIRST = List.of("type", "api", "methods", "properties", "missing");

    Inspection {
        problems = List.copyOf(problems);
    }

    static Inspection parse(Path file, String json) throws IOException {
        Map<String, @Nullable Object> told = new LinkedHashMap<>();
        JSON.std.mapFrom(json).forEach(told::put);
        NavigableMap<Integer, Verdict> hosts = new TreeMap<>();
        if (told.get("hosts") instanceof Map<?, ?> verdicts) {
            verdicts.forEach(
                    (level, verdict) -> hosts.put(Integer.valueOf(level.toString()), verdict((Map<?, ?>) verdict)));
        }
        if (hosts.isEmpty()) {
            throw new IOException("Perl told nothing of hosts about '" + file + "'");
        }
        return new Inspection(file, told, strings(told.get("problems")), hosts);
    }

    private static Verdict verdict(Map<?, ?> json) {
        return new Verdict(String.valueOf(json.get("verdict")), (String) json.get("reason"));
    }

    String fileName() {
        return String.valueOf(file.getFileName());
    }

    @Nullable
    String text(String key) {
        Object value = told.get(key);
        return value == null ? null : value.toString();
    }

    /** A list of names; empty if Perl told none. */
    List<String> names(String key) {
        return strings(told.get(key));
    }

    static List<String> strings(@Nullable Object list) {
        return list instanceof List<?> values
                ? values.stream().map(String::valueOf).toList()
                : List.of();
    }

    /** An object, empty if Perl told none. */
    Map<?, ?> object(String key) {
        return told.get(key) instanceof Map<?, ?> map ? map : Map.of();
    }

    /** The missing modules and the Debian packages that have them, or that they are the plugin's own. */
    Map<String, String> missing() {
        List<?> missing = told.get("missing") instanceof List<?> list ? list : List.of();
        return missing.stream()
                .map(module -> (Map<?, ?>) module)
                .collect(Collectors.toMap(
                        module -> String.valueOf(module.get("module")),
                        module -> module.get("package") instanceof String debian ? debian : "the plugin's own",
                        (first, second) -> first,
                        LinkedHashMap::new));
    }

    /** Whether none of its properties conflicts with those of other plugins. */
    boolean isIsolated() {
        return "1".equals(text("isolated"));
    }

    /** With or without a warning. */
    boolean isLoadedOnNewest() {
        return hosts.descendingMap().values().stream()
                .filter(verdict -> !verdict.isUnknown())
                .findFirst()
                .filter(verdict -> !verdict.isRejected())
                .isPresent();
    }

    /** With one more problem, which rejects it wherever it would have been accepted. */
    Inspection rejected(String problem, String reason) {
        List<String> all = new ArrayList<>(problems);
        all.add(problem);
        NavigableMap<Integer, Verdict> verdicts = new TreeMap<>(hosts);
        verdicts.replaceAll((level, verdict) -> verdict.isRejected() ? verdict : Verdict.rejected(reason));
        return new Inspection(file, told, all, verdicts);
    }

    Map<String, @Nullable Object> toJson() {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        FIRST.forEach(key -> json.put(key, told.get(key)));
        json.put("problems", problems);
        Map<String, Object> verdicts = new LinkedHashMap<>();
        hosts.forEach((level, verdict) -> verdicts.put(level.toString(), verdict.toJson()));
        json.put("hosts", verdicts);
        told.forEach(json::putIfAbsent);
        json.put("file", file.toString());
        return json;
    }
}
