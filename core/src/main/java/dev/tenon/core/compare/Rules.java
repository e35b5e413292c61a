package dev.tenon.core.compare;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The differences that a team accepts, read from a file in JSON:
 *
 * <pre>{@code
 * { "rules": [
 *   { "method": "status", "field": "available", "within": 1048576,
 *     "reason": "the new plugin counts reserved blocks", "owner": "storage team" },
 *   { "method": "*", "field": "text", "map": { "no such volume": "volume does not exist" },
 *     "reason": "reworded", "owner": "storage team" },
 *   { "method": "*", "field": "error", "match": { "old": "PLUGIN_DIED", "new": "*" },
 *     "reason": "a plugin in Perl has no kinds of errors", "owner": "storage team" },
 *   { "method": "snapshots", "storage": "nas", "field": "timestamp", "ignore": true,
 *     "reason": "the old plugin rounds to minutes", "owner": "storage team" } ] }
 * }</pre>
 *
 * Each rule has a method, a field, one of {@code ignore}, {@code within}, {@code map} and {@code match}
 * (what both say, with {@code *} for any text), a reason and an owner.
 *
 * @param rules in the order of the file; the first that fits explains a difference
 */
public record Rules(List<Rule> rules) {
    /** No differences are accepted. */
    public static final Rules NONE = new Rules(List.of());

    private static final Set<String> TOLERANCES = Set.of("ignore", "within", "map", "match");
    private static final Set<String> KEYS =
            Set.of("method", "storage", "field", "ignore", "within", "map", "match", "reason", "owner");

    public Rules {
        rules = List.copyOf(rules);
    }

    /**
     * Reads a file.
     *
     * @throws IOException if it cannot be read, or says something that is no rule; the message says which rule and why
     */
    public static Rules read(Path file) throws IOException {
        Map<String, Object> top;
        try {
            top = JSON.std.mapFrom(Files.readString(file));
        } catch (IOException e) {
            throw new IOException("the rules in '" + file + "' cannot be read: " + e.getMessage(), e);
        }
        if (!(top.get("rules") instanceof List<?> list) || top.size() != 1) {
            throw new IOException("'" + file + "' is to hold an object with the list 'rules' and nothing else");
        }
        List<Rule> rules = new ArrayList<>();
        for (Object entry : list) {
            String where = "rule " + (rules.size() + 1) + " of '" + file + "'";
            if (!(entry instanceof Map<?, ?> map)) {
                throw new IOException(where + " is no object");
            }
            rules.add(rule(where, map));
        }
        return new Rules(rules);
    }

    private static Rule rule(String where, Map<?, ?> map) throws IOException {
        for (Object key : map.keySet()) {
            if (!KEYS.contains(String.valueOf(key))) {
                throw new IOException(where + " has the unknown key '" + key + "'; there are "
                        + String.join(", ", KEYS.stream().sorted().toList()));
            }
        }
        return new Rule(
                text(where, map, "method"),
                map.containsKey("storage") ? text(where, map, "storage") : null,
                text(where, map, "field"),
                tolerance(where, map),
                text(where, map, "reason"),
                text(where, map, "owner"));
    }

    private static Rule.Tolerance tolerance(String where, Map<?, ?> map) throws IOException {
        List<Rule.Tolerance> given = new ArrayList<>();
        if (Boolean.TRUE.equals(map.get("ignore"))) {
            given.add(new Rule.Tolerance.Ignore());
        }
        if (map.get("within") instanceof Number most && most.doubleValue() >= 0) {
            given.add(new Rule.Tolerance.Within(most.doubleValue()));
        }
        if (map.get("map") instanceof Map<?, ?> values) {
            Map<String, String> texts = new HashMap<>();
            values.forEach((key, value) -> texts.put(String.valueOf(key), String.valueOf(value)));
            given.add(new Rule.Tolerance.Mapped(texts));
        }
        if (map.get("match") instanceof Map<?, ?> both
                && both.size() == 2
                && both.get("old") instanceof String old
                && both.get("new") instanceof String candidate) {
            given.add(new Rule.Tolerance.Matching(old, candidate));
        }
        // Also one that cannot be read: the other would be more than what was meant.
        if (given.size() != 1
                || map.keySet().stream().filter(TOLERANCES::contains).count() != 1) {
            throw new IOException(where
                    + " needs one of \"ignore\": true, \"within\": a number from 0 on, \"map\": an object of texts,"
                    + " and \"match\": an object with the texts \"old\" and \"new\"");
        }
        return given.getFirst();
    }

    private static String text(String where, Map<?, ?> map, String key) throws IOException {
        Object value = map.get(key);
        if (value instanceof String text && !text.isBlank()) {
            return text;
        }
        throw new IOException(where + " needs a text as '" + key + "'");
    }

    /** The rule that accepts this difference, null if none does. */
    @Nullable
    Rule explaining(Compared.Question question, Difference difference) {
        return rules.stream()
                .filter(rule -> rule.explains(question.method(), question.storage(), difference))
                .findFirst()
                .orElse(null);
    }
}
