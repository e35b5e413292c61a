package dev.tenon.core.backup.nbd;

import java.io.IOException;
import java.util.List;

/** What a metadata context of a served disk says. */
@FunctionalInterface
public interface BlockMap {
    /**
     * Tells extents without a gap from the offset on. They may end before the range does, if there are many, and must not
     * end behind it.
     *
     * @param offset in bytes, inside of the disk
     * @param length in bytes, at least 1, up to the end of the disk at most
     * @param most how many extents at most, at least 1
     * @return at least one
     */
    List<Extent> extents(long offset, long length, int most) throws IOException;
}
