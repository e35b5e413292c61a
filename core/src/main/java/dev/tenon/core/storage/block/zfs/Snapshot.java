package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A snapshot.
 *
 * @param name without that of the dataset
 * @param id unique, and the same where it was sent
 * @param created seconds since 1970
 * @param quota what was noted of the file system's quota when it was made, {@code -} for nothing
 * @param hasClones whether there are clones of it
 */
record Snapshot(String name, String id, long created, String quota, boolean hasClones) {
    /** The property in which the quota of a file system is noted, because a snapshot does not keep it. */
    static final String QUOTA = "pve-storage:refquota";

    /** What {@code zfs list} is asked. */
    static final String FIELDS = "name,guid,creation,clones," + QUOTA;

    /** The last field is whatever somebody has set. */
    private static final Pattern LINE = Pattern.compile("[^@\t]+@([^\t]+)\t(\\d+)\t(\\d{1,18})\t([^\t]*)\t(.*)");

    /** Those of a listing without a head and with exact numbers. */
    static List<Snapshot> read(String listing) {
        return listing.lines().map(Snapshot::ofLine).toList();
    }

    private static Snapshot ofLine(String line) {
        Matcher words = LINE.matcher(line);
        if (!words.matches()) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE, "zfs list said " + Quoted.of(line) + " of a snapshot");
        }
        String clones = words.group(4);
        return new Snapshot(
                words.group(1),
                words.group(2),
                Long.parseLong(words.group(3)),
                words.group(5),
                !clones.isEmpty() && !clones.equals("-"));
    }
}
