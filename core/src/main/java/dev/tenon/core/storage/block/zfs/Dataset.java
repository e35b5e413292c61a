package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A volume or file system of ZFS. All sizes are in bytes.
 *
 * @param name with its pool
 * @param format what it is in a storage: a volume is raw
 * @param size that of a volume; of a file system its quota, 0 for none
 * @param origin the snapshot of which it is a clone, {@code DATASET@SNAPSHOT}; null if it is none
 * @param used by it and all within
 * @param available to it
 * @param usedAlone without what snapshots and others within use
 * @param isMounted false for a volume
 * @param isEncrypted whether it is encrypted by ZFS
 */
record Dataset(
        String name,
        Format.Image format,
        long size,
        @Nullable String origin,
        long used,
        long available,
        long usedAlone,
        boolean isMounted,
        boolean isEncrypted) {
    /** What {@code zfs list} is asked. */
    static final String FIELDS = "name,type,volsize,refquota,origin,used,available,usedbydataset,mounted,encryption";

    private static final String NOTHING = "-";

    /** Those of a listing without a head and with exact numbers. */
    static List<Dataset> read(String listing) {
        return listing.lines().map(Dataset::ofLine).toList();
    }

    private static Dataset ofLine(String line) {
        String[] words = line.split("\t", -1);
        if (words.length != FIELDS.split(",", -1).length) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE, Outcome.NOT_STARTED, "zfs list said '" + line + "'");
        }
        boolean isVolume = words[1].equals("volume");
        return new Dataset(
                words[0],
                isVolume ? Format.Image.RAW : Format.Image.SUBVOL,
                number(isVolume ? words[2] : words[3]),
                words[4].equals(NOTHING) ? null : words[4],
                number(words[5]),
                number(words[6]),
                number(words[7]),
                words[8].equals("yes"),
                !words[9].equals("off") && !words[9].equals(NOTHING));
    }

    /** A number, 0 for none. */
    private static long number(String word) {
        return word.matches("\\d{1,18}") ? Long.parseLong(word) : 0;
    }

    /** Its name in the dataset that it is directly in, null if it is not directly in this one. */
    @Nullable
    String nameIn(String parent) {
        String name = name().startsWith(parent + "/") ? name().substring(parent.length() + 1) : "";
        return name.isEmpty() || name.contains("/") ? null : name;
    }
}
