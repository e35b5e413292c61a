package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;

/**
 * What volumes are called in the kernel: the group, a hyphen and the volume, where hyphens in the names count double. LVM
 * makes thin snapshots of any name and finds out later that no device can have it.
 */
final class DeviceNames {
    private static final int LONGEST = 127;

    private DeviceNames() {}

    /**
     * Refuses a volume that could never be activated.
     *
     * @throws StorageException {@code INVALID_NAME}
     */
    static void refuseTooLong(String group, String volume) {
        int length = doubled(group) + 1 + doubled(volume);
        if (length > LONGEST) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "logical volume " + Quoted.of(volume) + " of volume group '" + group
                            + "' could not be activated: its device would have a name of " + length
                            + " characters, hyphens counted twice, and the most possible is " + LONGEST);
        }
    }

    /** What an active volume is called. */
    static String of(String group, String volume) {
        return group.replace("-", "--") + "-" + volume.replace("-", "--");
    }

    private static int doubled(String name) {
        return name.length() + (int) name.chars().filter(c -> c == '-').count();
    }
}
