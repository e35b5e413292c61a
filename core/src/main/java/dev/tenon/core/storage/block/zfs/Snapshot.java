package dev.tenon.core.storage.block.zfs;

import java.util.List;

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
    static final String FIELDS = "name,guid,creation," + QUOTA + ",clones";

    /** Those of a listing without a head and with exact numbers. */
    static List<Snapshot> read(String listing) {
        return listing.lines()
                .map(line -> line.split("\t", -1))
                .map(words -> new Snapshot(
                        words[0].substring(words[0].indexOf('@') + 1),
                        words[1],
                        Long.parseLong(words[2]),
                        words[3],
                        !words[4].isEmpty() && !words[4].equals("-")))
                .toList();
    }
}
