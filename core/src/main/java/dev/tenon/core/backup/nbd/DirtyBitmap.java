package dev.tenon.core.backup.nbd;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Which blocks of a disk have changed, as a context of a served disk ({@link Extent#DIRTY_BITMAP} and a name). Made whole
 * before it is served; it does not change afterwards. What lies behind its end has changed: nobody knows that it has not.
 */
public final class DirtyBitmap implements BlockMap {
    private final long size;
    private final int granularity;
    private final BitSet dirty;

    /**
     * A bitmap of a whole disk.
     *
     * @param size of the disk, in bytes
     * @param granularity how many bytes a bit stands for: a power of two, at least 512
     * @param dirty the numbers of the blocks that changed
     */
    public DirtyBitmap(long size, int granularity, BitSet dirty) {
        if (granularity < 512 || Integer.bitCount(granularity) != 1) {
            throw new IllegalArgumentException(
                    "a bitmap's granularity is a power of two from 512 on, not " + granularity);
        }
        long blocks = Math.ceilDiv(size, granularity);
        if (dirty.length() > blocks) {
            throw new IllegalArgumentException(
                    "block " + (dirty.length() - 1) + " is marked on a disk of " + blocks + " blocks");
        }
        this.size = size;
        this.granularity = granularity;
        this.dirty = (BitSet) dirty.clone();
    }

    @Override
    public List<Extent> extents(long offset, long length, int most) {
        List<Extent> extents = new ArrayList<>();
        long at = offset;
        long end = offset + length;
        while (at < end && extents.size() < most) {
            if (at >= size) {
                extents.add(new Extent(at, end - at, Extent.DIRTY));
                break;
            }
            int block = (int) (at / granularity);
            boolean isDirty = dirty.get(block);
            int next = isDirty ? dirty.nextClearBit(block) : dirty.nextSetBit(block);
            long covered = Math.min(end, size);
            long to = next < 0 ? covered : Math.min(covered, (long) next * granularity);
            extents.add(new Extent(at, to - at, isDirty ? Extent.DIRTY : 0));
            at = to;
        }
        return extents;
    }
}
