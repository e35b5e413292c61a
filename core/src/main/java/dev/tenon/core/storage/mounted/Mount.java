package dev.tenon.core.storage.mounted;

/**
 * One line of {@code /proc/mounts}.
 *
 * @param source what is mounted, for instance {@code nas:/export}
 * @param mountPoint where, an absolute path
 * @param type the kind of file system, for instance {@code nfs4}
 */
public record Mount(String source, String mountPoint, String type) {
    /** Whether this is what is mounted; a slash at the end makes no difference. */
    public boolean isOf(String otherSource) {
        return withoutSlash(source).equals(withoutSlash(otherSource));
    }

    private static String withoutSlash(String text) {
        return text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    }
}
