package dev.tenon.tck.backup;

import dev.tenon.core.backup.nbd.BlockMap;
import dev.tenon.core.backup.nbd.DirtyBitmap;
import dev.tenon.core.backup.nbd.Extent;
import dev.tenon.core.backup.nbd.NbdError;
import dev.tenon.core.backup.nbd.NbdException;
import dev.tenon.core.backup.nbd.ServedDisk;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A disk at a point in time, as QEMU shows it: with a bitmap, what is not dirty cannot be read, and what was trimmed can never
 * be read again.
 */
final class SnapshotDisk implements ServedDisk {
    static final int BLOCK = 4 << 20;

    private final byte[] content;
    private final BitSet dirty;
    private final @Nullable String bitmap;
    private final BitSet trimmed = new BitSet();

    /** One with this content; without a bitmap all of it has to be dirty. */
    SnapshotDisk(byte[] content, @Nullable String bitmap, BitSet dirty) {
        this.content = content;
        this.bitmap = bitmap;
        this.dirty = dirty;
    }

    @Override
    public long size() {
        return content.length;
    }

    @Override
    public boolean isWritable() {
        return true;
    }

    @Override
    public synchronized void read(long offset, ByteBuffer into) throws NbdException {
        for (long block = offset / BLOCK; block <= (offset + into.remaining() - 1) / BLOCK; block++) {
            if (trimmed.get((int) block) || !dirty.get((int) block)) {
                throw new NbdException(NbdError.INVALID, "block " + block + " is not accessible");
            }
        }
        into.put(content, (int) offset, into.remaining());
    }

    /** Only whole blocks: QEMU 7.2 ends at others. */
    @Override
    public synchronized void trim(long offset, long length) throws NbdException {
        if (offset % BLOCK != 0 || length % BLOCK != 0) {
            throw new NbdException(NbdError.INVALID, "only whole blocks are trimmed, not " + length + " at " + offset);
        }
        trimmed.set((int) (offset / BLOCK), (int) ((offset + length) / BLOCK));
    }

    @Override
    public Map<String, BlockMap> contexts() {
        Map<String, BlockMap> contexts = new HashMap<>();
        if (bitmap != null) {
            contexts.put(Extent.DIRTY_BITMAP + bitmap, new DirtyBitmap(content.length, BLOCK, dirty));
        }
        // QEMU fails where it would have to look at what is not accessible.
        if (dirty.nextClearBit(0) * (long) BLOCK >= content.length) {
            contexts.put(Extent.ALLOCATION, this::allocation);
        }
        return contexts;
    }

    private List<Extent> allocation(long offset, long length, int most) {
        long end = Math.min(offset + length, offset - offset % BLOCK + BLOCK);
        byte[] part = Arrays.copyOfRange(content, (int) offset, (int) end);
        boolean isZero = true;
        for (byte one : part) {
            isZero &= one == 0;
        }
        return List.of(new Extent(offset, end - offset, isZero ? Extent.HOLE | Extent.ZERO : 0));
    }
}
