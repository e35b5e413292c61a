package dev.tenon.cli.check;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.tck.Checked;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a plugin is known not to do as the contract wants it, read from a file in JSON:
 *
 * <pre>{@code
 * { "limits": [
 *   { "check": "aSizeIsRoundedUpToKib", "variant": "1 bytes",
 *     "reason": "the array has blocks of 8 KiB", "owner": "storage team" } ] }
 * }</pre>
 *
 * @param limits in the order of the file
 */
record Limits(List<Limit> limits) {
    static final Limits NONE = new Limits(List.of());

    private static final Set<String> KEYS = new TreeSet<>(Set.of("check", "variant", "reason", "owner"));

    Limits {
        limits = List.copyOf(limits);
    }

    /**
     * A check that fails, with the reason.
     *
     * @param variant of that check, empty for each
     */
    record Limit(String check, String variant, String reason, String owner) {
        boolean fits(Checked checked) {
            return check.equals(checked.check()) && (variant.isEmpty() || variant.equals(checked.variant()));
        }

        @Override
        public String toString() {
            return "'" + check + "'" + (variant.isEmpty() ? "" : " with '" + variant + "'");
        }
    }

    /**
     * Reads a file.
     *
     * @param checks the names of all checks
     * @throws IOException if it cannot be read, or says something that is no limit; the message says which and why
     */
    static Limits read(Path file, Set<String> checks) throws IOException {
        Map<String, Object> top;
        try {
            top = JSON.std.mapFrom(Files.readString(file));
        } catch (IOException e) {
            throw new IOException("the limits in '" + file + "' cannot be read: " + e.getMessage(), e);
        }
        if (!(top.get("limits") instanceof List<?> list) || top.size() != 1) {
            throw new IOException("'" + file + "' is to hold an object with the list 'limits' and nothing else");
        }
        List<Limit> limits = new ArrayList<>();
        for (Object entry : list) {
            String where = "limit " + (limits.size() + 1) + " of '" + file + "'";
            if (!(entry instanceof Map<?, ?> map) || !KEYS.containsAll(map.keySet())) {
                throw new IOException(where + " is to be an object with no keys but " + String.join(", ", KEYS));
            }
            Limit limit = new Limit(
                    text(where, map, "check"),
                    map.containsKey("variant") ? text(where, map, "variant") : "",
                    text(where, map, "reason"),
                    text(where, map, "owner"));
            if (!checks.contains(limit.check())) {
                throw new IOException(where + " is about the check '" + limit.check()
                        + "', which does not exist; a report names all");
            }
            limits.add(limit);
        }
        return new Limits(limits);
    }

    private static String text(String where, Map<?, ?> map, String key) throws IOException {
        if (map.get(key) instanceof String text && !text.isBlank()) {
            return text;
        }
        throw new IOException(where + " needs a text as '" + key + "'");
    }

    /** Whether somebody has declared that this check fails. */
    boolean has(Checked checked) {
        return limits.stream().anyMatch(limit -> limit.fits(checked));
    }

    /** The limits whose checks were made and passed. */
    List<Limit> unmet(List<Checked> all) {
        return limits.stream()
                .filter(limit -> all.stream().anyMatch(limit::fits)
                        && all.stream()
                                .noneMatch(checked -> limit.fits(checked) && checked.result() == Checked.Result.FAILED))
                .toList();
    }
}
