package dev.tenon.core.storage.block.lvm;

/**
 * A volume group.
 *
 * @param size of all its extents, in bytes
 * @param free of those that no volume has, in bytes
 * @param extent the size of one, in bytes
 * @param missing how many of its disks are not there
 */
record VolumeGroup(String name, long size, long free, long extent, int missing) {
    /** What a volume of this size really takes, in bytes. */
    long rounded(long bytes) {
        return Math.ceilDiv(bytes, extent) * extent;
    }
}
