package dev.tenon.core.backup.nbd;

/**
 * A part of a disk and what a metadata context says of it.
 *
 * @param offset in bytes
 * @param length in bytes, at least 1
 * @param flags the context's bits: for {@link #ALLOCATION} {@link #HOLE} and {@link #ZERO}, for a dirty bitmap
 *     {@link #DIRTY}
 */
public record Extent(long offset, long length, long flags) {
    /** The context that tells holes and zeroes. */
    public static final String ALLOCATION = "base:allocation";

    /** What QEMU's names of dirty bitmaps begin with; the bitmap's own name follows. */
    public static final String DIRTY_BITMAP = "qemu:dirty-bitmap:";

    /** Nothing is allocated there. */
    public static final long HOLE = 1;

    /** It reads as zeroes. */
    public static final long ZERO = 2;

    /** The bitmap calls it changed. */
    public static final long DIRTY = 1;

    public Extent {
        if (offset < 0 || length < 1 || offset + length < 0) {
            throw new IllegalArgumentException("an extent of " + length + " bytes at " + offset);
        }
    }

    public long end() {
        return offset + length;
    }

    /** Whether all the given bits are set. */
    public boolean has(long bits) {
        return (flags & bits) == bits;
    }
}
