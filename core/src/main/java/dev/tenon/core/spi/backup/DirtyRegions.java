package dev.tenon.core.spi.backup;

import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The regions of a disk that are to be read, one after the other, from the lowest up. They can be read once. PVE takes them
 * from a program whose failure it does not notice: they may then end too early.
 */
@FunctionalInterface
public interface DirtyRegions {
    /**
     * A region of a disk.
     *
     * @param offset in bytes
     * @param length in bytes, at least 1
     */
    record Region(long offset, long length) {}

    /** The next one, null after the last. */
    @Nullable
    Region next();

    static DirtyRegions of(List<Region> regions) {
        Iterator<Region> left = regions.iterator();
        return () -> left.hasNext() ? left.next() : null;
    }
}
