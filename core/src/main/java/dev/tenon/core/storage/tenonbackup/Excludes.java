package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * What of a container is left out, by glob patterns: one with a leading slash begins at the root, others anywhere; {@code *}
 * and {@code ?} do not match a slash, {@code **} does. With a directory goes all that is in it.
 */
final class Excludes {
    private final List<Pattern> patterns;

    Excludes(List<String> globs) {
        patterns = globs.stream().map(Excludes::pattern).toList();
    }

    /** Whether a path is left out; relative to the root, each character one byte. */
    boolean has(String path) {
        return patterns.stream().anyMatch(pattern -> pattern.matcher(path).matches());
    }

    private static Pattern pattern(String glob) {
        // Names are bytes.
        String bytes = new String(glob.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        StringBuilder regex = new StringBuilder();
        int at = 0;
        if (bytes.startsWith("/")) {
            at = 1;
        } else {
            regex.append("(?:.*/)?");
        }
        int end = bytes.length() > 1 && bytes.endsWith("/") ? bytes.length() - 1 : bytes.length();
        while (at < end) {
            at = append(regex, bytes, at, end);
        }
        try {
            return Pattern.compile(regex.toString(), Pattern.DOTALL);
        } catch (PatternSyntaxException e) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "'" + glob + "' is no valid exclude pattern: " + e.getDescription());
        }
    }

    /** Appends what stands at a place of the pattern. Answers what comes after it. */
    private static int append(StringBuilder regex, String glob, int at, int end) {
        char character = glob.charAt(at);
        switch (character) {
            case '*' -> {
                boolean isDouble = at + 1 < end && glob.charAt(at + 1) == '*';
                regex.append(isDouble ? ".*" : "[^/]*");
                return isDouble ? at + 2 : at + 1;
            }
            case '?' -> regex.append("[^/]");
            case '[' -> {
                int close = glob.indexOf(']', at + 2);
                if (close < 0 || close >= end) {
                    regex.append("\\[");
                    return at + 1;
                }
                String set = glob.substring(at + 1, close);
                boolean isNot = set.startsWith("!") || set.startsWith("^");
                regex.append(isNot ? "[^/" : "[")
                        .append((isNot ? set.substring(1) : set).replaceAll("[\\\\\\[&^]", "\\\\$0"))
                        .append(']');
                return close + 1;
            }
            case '\\' -> {
                if (at + 1 < end) {
                    regex.append(Pattern.quote(glob.substring(at + 1, at + 2)));
                    return at + 2;
                }
                regex.append("\\\\");
            }
            default -> regex.append(Pattern.quote(String.valueOf(character)));
        }
        return at + 1;
    }
}
