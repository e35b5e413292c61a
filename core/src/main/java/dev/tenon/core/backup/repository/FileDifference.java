package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A file or whatever else of a container that differs between two snapshots.
 *
 * @param path relative to the root, each character one byte
 */
public record FileDifference(String path, Change change) {
    /** How it differs. */
    public enum Change {
        /** Only in the second. */
        ADDED,
        /** Only in the first. */
        REMOVED,
        /** Its bytes, its kind or what is known of it, such as its owner or when it was modified. */
        CHANGED
    }

    /** Shows all differences, in the order of the trees. */
    static void each(TreeReader first, TreeReader second, Consumer<FileDifference> shown) throws IOException {
        TreeReader.Cursor before = first.from("");
        TreeReader.Cursor after = second.from("");
        TreeEntry old = before.next();
        TreeEntry now = after.next();
        while (old != null || now != null) {
            int order = order(old, now);
            if (order < 0 && old != null) {
                shown.accept(new FileDifference(old.path(), Change.REMOVED));
                old = before.next();
            } else if (order > 0 && now != null) {
                shown.accept(new FileDifference(now.path(), Change.ADDED));
                now = after.next();
            } else if (old != null && now != null) {
                if (!Arrays.equals(old.unknown().write(), now.unknown().write())) {
                    shown.accept(new FileDifference(now.path(), Change.CHANGED));
                }
                old = before.next();
                now = after.next();
            }
        }
    }

    private static int order(@Nullable TreeEntry old, @Nullable TreeEntry now) {
        if (old == null) {
            return 1;
        }
        return now == null ? -1 : TreeEntry.compare(old.path(), now.path());
    }
}
