package dev.tenon.core.storage.mounted;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is mounted where, as {@code /proc/mounts} tells it.
 *
 * @param mounts the oldest first; their mount points are without symbolic links
 */
record MountTable(List<Mount> mounts) {
    private static final Logger LOG = LoggerFactory.getLogger(MountTable.class);
    private static final int OCTAL_DIGITS = 3;
    private static final int OCTAL = 8;
    private static final int HIGHEST_FIRST_DIGIT = '3';

    MountTable {
        mounts = List.copyOf(mounts);
    }

    /** Reads the table; one that cannot be read counts as empty, so that nothing is taken to be mounted. */
    static MountTable read(Path file) {
        try {
            return parse(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
        } catch (IOException e) {
            LOG.warn("unable to read the mounts in '{}': {}", file, e.getMessage());
            return new MountTable(List.of());
        }
    }

    static MountTable parse(String text) {
        List<Mount> mounts = new ArrayList<>();
        for (String line : text.split("\n", -1)) {
            String[] fields = line.split(" ", -1);
            if (fields.length > 2) {
                mounts.add(new Mount(withoutEscapes(fields[0]), withoutEscapes(fields[1]), fields[2]));
            }
        }
        return new MountTable(mounts);
    }

    /** Whether anything is mounted on this directory. */
    boolean isMountPoint(Path directory) {
        try {
            String real = directory.toRealPath().toString();
            return mounts.stream().anyMatch(mount -> mount.mountPoint().equals(real));
        } catch (IOException e) {
            return false;
        }
    }

    /** What is mounted on this directory. The directory itself is not touched: its server may be gone. */
    List<Mount> on(Path directory) {
        String plain = directory.toString();
        String real = withRealParent(directory).toString();
        return mounts.stream()
                .filter(mount ->
                        mount.mountPoint().equals(plain) || mount.mountPoint().equals(real))
                .toList();
    }

    private static Path withRealParent(Path directory) {
        Path parent = directory.getParent();
        try {
            return parent == null ? directory : parent.toRealPath().resolve(directory.getFileName());
        } catch (IOException e) {
            return directory;
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
