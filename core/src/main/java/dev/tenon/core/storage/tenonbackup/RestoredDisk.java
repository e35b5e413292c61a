package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.nbd.BlockMap;
import dev.tenon.core.backup.nbd.Extent;
import dev.tenon.core.backup.nbd.ServedDisk;
import dev.tenon.core.backup.repository.DiskReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A disk of a snapshot, served while it is restored. Nothing is read that is not asked for. */
record RestoredDisk(DiskReader disk) implements ServedDisk {
    private static final long STEP = 4 << 20;

    @Override
    public long size() {
        return disk.size().bytes();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        disk.read(offset, into);
    }

    @Override
    public Map<String, BlockMap> contexts() {
        return Map.of(Extent.ALLOCATION, this::extents);
    }

    private List<Extent> extents(long offset, long length, int most) throws IOException {
        List<Extent> extents = new ArrayList<>();
        long begin = offset;
        boolean isZero = disk.isZero(offset, 1);
        for (long at = offset; at < offset + length; ) {
            long next = Math.min(offset + length, (at / STEP + 1) * STEP);
            boolean isNextZero = next < offset + length && disk.isZero(next, 1);
            if (next == offset + length || isNextZero != isZero) {
                extents.add(new Extent(begin, next - begin, isZero ? Extent.HOLE | Extent.ZERO : 0));
                if (extents.size() == most) {
                    return extents;
                }
                begin = next;
                isZero = isNextZero;
            }
            at = next;
        }
        return extents;
    }
}
