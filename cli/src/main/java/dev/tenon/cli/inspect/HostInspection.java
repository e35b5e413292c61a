package dev.tenon.cli.inspect;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What the PVE of a machine has that is not known here: what an entry for its API level needs.
 *
 * @param told what Perl said, unchanged
 */
record HostInspection(Map<String, Object> told) {
    private static final List<String> UNKNOWN = List.of("unknown", "changed", "lacks", "types");

    static HostInspection parse(String json) throws IOException {
        return new HostInspection(JSON.std.mapFrom(json));
    }

    /** Whether nothing is unknown. */
    boolean isKnown() {
        return UNKNOWN.stream().allMatch(key -> list(key).isEmpty())
                && !(told.get("version") instanceof Number version
                        && told.get("newest") instanceof Number newest
                        && version.intValue() > newest.intValue());
    }

    private List<?> list(String key) {
        return told.get(key) instanceof List<?> list ? list : List.of();
    }

    void print(PrintWriter out, boolean asJson) throws IOException {
        if (asJson) {
            out.println(JSON.std
                    .with(JSON.Feature.PRETTY_PRINT_OUTPUT)
                    .with(JSON.Feature.WRITE_NULL_PROPERTIES)
                    .asString(told));
            return;
        }
        out.println(told.get("pve"));
        field(out, "api", List.of(api()));
        for (String key : UNKNOWN) {
            field(out, key, list(key).stream().map(HostInspection::shown).toList());
        }
        out.flush();
    }

    private String api() {
        Object version = told.get("version");
        String known = "known are " + told.get("oldest") + " to " + told.get("newest");
        return version == null
                ? "not told (" + known + ")"
                : version + ", and " + told.get("age") + " versions before it (" + known + ")";
    }

    /** A sub as it is called, a type with where it stands, or a sentence. */
    private static String shown(Object entry) {
        if (!(entry instanceof Map<?, ?> row)) {
            return String.valueOf(entry);
        }
        if (row.get("in") != null) {
            return row.get("name") + " (" + row.get("in") + ")";
        }
        if ("unread".equals(row.get("kind"))) {
            return String.valueOf(row.get("name"));
        }
        List<?> parameters = row.get("parameters") instanceof List<?> names ? names : List.of();
        return row.get("kind") + " " + row.get("name")
                + parameters.stream().map(String::valueOf).collect(Collectors.joining(", ", "(", ")"));
    }

    private static void field(PrintWriter out, String name, List<String> lines) {
        String start = "  %-12s".formatted(name);
        for (String line : lines.isEmpty() ? List.of("nothing") : lines) {
            out.println(start + line);
            start = " ".repeat(start.length());
        }
    }
}
