package dev.tenon.core.journal;

import dev.tenon.core.linux.ProcessIdentity;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An entry as text: a line {@code key=value} each, the version first and {@code end} last. A file that was cut anywhere can
 * be read as far as it goes.
 */
final class EntryText {
    private static final String VERSION = "tenon-journal=1";
    private static final String END = "end";
    private static final Pattern ESCAPE = Pattern.compile("\\\\(.)");
    private static final String PARAMETER = "parameter.";
    private static final String WITNESS = "witness.";

    private EntryText() {}

    static String of(JournalEntry entry) {
        Map<String, String> lines = new LinkedHashMap<>();
        lines.put("operation", entry.operation());
        lines.put("storage", entry.storage());
        lines.put("type", entry.type());
        lines.put("started", String.valueOf(entry.started()));
        new TreeMap<>(entry.parameters()).forEach((name, value) -> lines.put(PARAMETER + name, value));
        new TreeMap<>(entry.witness()).forEach((name, value) -> lines.put(WITNESS + name, value));
        if (entry.problem() != null) {
            lines.put("problem", entry.problem());
        }
        StringBuilder text = new StringBuilder(VERSION).append('\n');
        lines.forEach((key, value) ->
                text.append(escaped(key)).append('=').append(escaped(value)).append('\n'));
        return text.append(END).append('\n').toString();
    }

    static JournalEntry parse(String id, byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        Map<String, String> lines = new HashMap<>();
        Map<String, String> parameters = new HashMap<>();
        Map<String, String> witness = new HashMap<>();
        boolean isComplete = text.startsWith(VERSION + "\n") && text.endsWith("\n" + END + "\n");
        // what is behind the last newline was cut
        for (String line : text.substring(0, text.lastIndexOf('\n') + 1).split("\n", -1)) {
            int equals = line.indexOf('=');
            if (equals < 0) {
                continue;
            }
            String key = plain(line.substring(0, equals));
            String value = plain(line.substring(equals + 1));
            if (key.startsWith(PARAMETER)) {
                parameters.put(key.substring(PARAMETER.length()), value);
            } else if (key.startsWith(WITNESS)) {
                witness.put(key.substring(WITNESS.length()), value);
            } else {
                lines.put(key, value);
            }
        }
        return new JournalEntry(
                id,
                lines.getOrDefault("operation", "an operation"),
                lines.getOrDefault("storage", ""),
                lines.getOrDefault("type", ""),
                parameters,
                witness,
                ProcessIdentity.parse(processIn(id)).orElse(null),
                instant(lines.get("started")),
                lines.get("problem"),
                isComplete);
    }

    /** The name of the file tells it too, even before anything is in it. */
    private static String processIn(String id) {
        int first = id.indexOf('-');
        int last = id.lastIndexOf('-');
        return first < last ? id.substring(first + 1, last) : "";
    }

    private static @Nullable Instant instant(@Nullable String text) {
        try {
            return text == null ? null : Instant.parse(text);
        } catch (DateTimeException e) {
            return null;
        }
    }

    private static String escaped(String text) {
        return text.replace("\\", "\\\\")
                .replace("\n", "\\n")
                .replace("\r", "\\r")
                .replace("=", "\\e");
    }

    private static String plain(String text) {
        return ESCAPE.matcher(text)
                .replaceAll(escape -> Matcher.quoteReplacement(
                        switch (escape.group(1)) {
                            case "n" -> "\n";
                            case "r" -> "\r";
                            case "e" -> "=";
                            default -> escape.group(1);
                        }));
    }
}
