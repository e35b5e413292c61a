package dev.tenon.core.spi;

import java.nio.charset.StandardCharsets;

/**
 * The name of a volume inside its storage (PVE's {@code volname}), for instance {@code 100/vm-100-disk-0.qcow2}. Its
 * grammar is the plugin's own; only the rules for every plugin are checked here: not empty, at most 255 bytes of UTF-8 in
 * each part between slashes and 1024 in all, no control characters, no part {@code .} or {@code ..}, not absolute, no
 * leading {@code -} in any part (commands that get the name would read it as an option). Text that breaks one of these
 * rules is refused with {@code INVALID_NAME}.
 */
public record VolumeName(String value) {
    /** The longest part between slashes, in bytes, that Linux file systems take. */
    private static final int LONGEST_PART = 255;

    private static final int LONGEST = 1024;

    public VolumeName {
        if (!isSimple(value)) {
            check(value);
        }
    }

    /** Whether it is certainly good, as most are: short, of printable ASCII, no part with a dot or dash in front. */
    private static boolean isSimple(String value) {
        int length = value.length();
        char before = '/';
        for (int i = 0; i < length; i++) {
            char c = value.charAt(i);
            if (c < ' ' || c > '~' || (before == '/' && (c == '.' || c == '-' || (c == '/' && i == 0)))) {
                return false;
            }
            before = c;
        }
        return length > 0 && length <= LONGEST_PART;
    }

    private static void check(String value) {
        if (value.isEmpty()) {
            throw invalid(value, "it is empty");
        }
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (Character.isISOControl(c)) {
                throw invalid(value, c == '\n' ? "it contains a newline" : "it contains a control character");
            }
        }
        if (value.startsWith("/")) {
            throw invalid(value, "it is an absolute path");
        }
        if (value.getBytes(StandardCharsets.UTF_8).length > LONGEST) {
            throw invalid(value, "it is longer than " + LONGEST + " bytes");
        }
        for (String part : value.split("/", -1)) {
            if (part.equals("..") || part.equals(".")) {
                throw invalid(value, "it contains '" + part + "' as a path component");
            }
            if (part.startsWith("-")) {
                throw invalid(value, "a path component begins with '-'");
            }
            int length = part.getBytes(StandardCharsets.UTF_8).length;
            if (length > LONGEST_PART) {
                throw invalid(
                        value, "a path component has " + length + " bytes and the longest allowed is " + LONGEST_PART);
            }
        }
    }

    private static StorageException invalid(String value, String why) {
        return StorageException.refused(
                StorageError.INVALID_NAME, "unable to parse volume name " + Quoted.of(value) + ": " + why);
    }

    @Override
    public String toString() {
        return value;
    }
}
