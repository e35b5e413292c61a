package dev.tenon.core.storage.dir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where file systems are mounted, as {@code /proc/mounts} tells it.
 *
 * @param mountPoints absolute paths without symbolic links
 */
record MountTable(Set<String> mountPoints) {
    private static final Logger LOG = LoggerFactory.getLogger(MountTable.class);
    private static final int OCTAL_DIGITS = 3;
    private static final int OCTAL = 8;
    private static final int HIGHEST_FIRST_DIGIT = '3';

    MountTable {
        mountPoints = Set.copyOf(mountPoints);
    }

    /** Reads the table; one that cannot be read counts as empty, so that nothing is taken to be mounted. */
    static MountTable read(Path mounts) {
        try {
            return parse(new String(Files.readAllBytes(mounts), StandardCharsets.UTF_8));
        } catch (IOException e) {
            LOG.warn("unable to read the mounts in '{}': {}", mounts, e.getMessage());
            return new MountTable(Set.of());
        }
    }

    static MountTable parse(String text) {
        Set<String> mountPoints = new HashSet<>();
        for (String line : text.split("\n", -1)) {
            String[] fields = line.split(" ", -1);
            if (fields.length > 1) {
                mountPoints.add(withoutEscapes(fields[1]));
            }
        }
        return new MountTable(mountPoints);
    }

    boolean isMounted(Path directory) {
        try {
            return mountPoints.contains(directory.toRealPath().toString());
        } catch (IOException e) {
            return false;
        }
    }

    /** The kernel writes blanks, tabs, newlines, backslashes and hashes as a backslash and three octal digits. */
    private static String withoutEscapes(String field) {
        StringBuilder out = new StringBuilder(field.length());
        int i = 0;
        while (i < field.length()) {
            if (isEscape(field, i)) {
                out.append((char) Integer.parseInt(field, i + 1, i + 1 + OCTAL_DIGITS, OCTAL));
                i += 1 + OCTAL_DIGITS;
            } else {
                out.append(field.charAt(i));
                i++;
            }
        }
        return out.toString();
    }

    private static boolean isEscape(String field, int at) {
        if (field.charAt(at) != '\\' || at + OCTAL_DIGITS >= field.length()) {
            return false;
        }
        if (field.charAt(at + 1) > HIGHEST_FIRST_DIGIT) {
            return false;
        }
        for (int i = at + 1; i <= at + OCTAL_DIGITS; i++) {
            if (Character.digit(field.charAt(i), OCTAL) < 0) {
                return false;
            }
        }
        return true;
    }
}
