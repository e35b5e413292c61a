package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.nbd.Extent;
import dev.tenon.core.backup.repository.DiskWriter;
import dev.tenon.core.image.RateLimit;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.DiskAccess;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a guest's disk into a backup: all that is not zeroes, or what is dirty. */
final class DiskCopy {
    private static final int PIECE = 4 << 20;
    private static final int BLOCK = 4096;
    private static final long RANGE = 1L << 30;

    private final RateLimit limit;
    private long moved;

    /** For what is no whole chunk. */
    private @Nullable ByteBuffer piece;

    DiskCopy(BackupLimits limits) {
        this.limit = new RateLimit(limits.bytesPerSecond());
    }

    /** Reads one disk. Answers how many bytes were read. */
    long copy(BackupDisk disk, DiskAccess.Nbd access, DiskWriter to) throws IOException {
        boolean isPart = disk.bitmap() == BitmapMode.REUSE;
        String context = isPart
                ? Extent.DIRTY_BITMAP
                        + access.bitmap().orElseThrow(() -> new IOException("the host names no bitmap to read by"))
                : Extent.ALLOCATION;
        long read = 0;
        try (DiskSource source = DiskSource.open(access, context)) {
            long size = disk.size().bytes();
            if (source.size() != size) {
                throw new IOException(
                        "the host says that it has " + disk.size() + ", and shows " + source.size() + " bytes");
            }
            int most = Math.min(PIECE, source.most());
            for (long at = 0; at < size; ) {
                List<Extent> extents = source.extents(at, Math.min(RANGE, size - at));
                for (Extent extent : extents) {
                    if (isPart ? extent.has(Extent.DIRTY) : !extent.has(Extent.ZERO)) {
                        read += copy(source, extent, most, to);
                    } else if (!isPart) {
                        to.zero(extent.offset(), extent.length());
                    }
                }
                at = extents.getLast().end();
            }
            to.awaitFilled();
        }
        return read;
    }

    static void endIfInterrupted() {
        if (Thread.currentThread().isInterrupted()) {
            throw new StorageException(StorageError.CANCELLED, Outcome.FAILED_CLEAN, "the copy was interrupted");
        }
    }

    private long copy(DiskSource source, Extent extent, int most, DiskWriter to) throws IOException {
        for (long at = extent.offset(); at < extent.end(); ) {
            endIfInterrupted();
            // Whole chunks, wherever the extent begins.
            long end = Math.min(extent.end(), (at / most + 1) * most);
            long from = at;
            if (limit.piece(most) == most && to.writeWhole(at, end - at, buffer -> source.read(extent, from, buffer))) {
                moved += end - at;
                limit.await(moved, DiskCopy::endIfInterrupted);
                at = end;
                continue;
            }
            ByteBuffer part = piece();
            part.clear().limit((int) Math.min(end - at, limit.piece(most) / BLOCK * BLOCK));
            int length = part.remaining();
            source.read(extent, at, part);
            to.write(at, part.flip());
            moved += length;
            limit.await(moved, DiskCopy::endIfInterrupted);
            at += length;
        }
        return extent.length();
    }

    private ByteBuffer piece() {
        ByteBuffer present = piece;
        if (present == null) {
            present = ByteBuffer.allocateDirect(PIECE);
            piece = present;
        }
        return present;
    }
}
