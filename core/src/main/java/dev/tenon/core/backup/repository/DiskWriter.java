package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Writes a disk of a backup, from its beginning to its end. What is left out is as in the snapshot that the backup is based
 * on, or zeroes. For one thread at a time.
 */
public final class DiskWriter {
    /** Bytes of a chunk. */
    public static final int CHUNK = DiskTable.CHUNK;

    private final SnapshotWriter snapshot;
    private final ByteSize size;
    private final DiskTable table;
    private byte @Nullable [] buffer;
    private long chunk;
    private int filled;
    private byte @Nullable [] base;
    private long end;

    DiskWriter(SnapshotWriter snapshot, ByteSize size, DiskTable table) {
        this.snapshot = snapshot;
        this.size = size;
        this.table = table;
    }

    public ByteSize size() {
        return size;
    }

    DiskTable table() {
        return table;
    }

    /**
     * Writes bytes.
     *
     * @param offset not before the end of what was written
     * @param data any number of bytes, not beyond the disk's end
     * @throws IOException if the repository cannot be written, maybe because of earlier bytes; the backup has failed then
     */
    public void write(long offset, ByteBuffer data) throws IOException {
        begin(offset, data.remaining());
        long at = offset;
        while (data.hasRemaining()) {
            int begin = (int) (at % DiskTable.CHUNK);
            byte[] to = at(at / DiskTable.CHUNK, begin);
            int length = Math.min(data.remaining(), table.length(chunk) - begin);
            data.get(to, begin, length);
            filled = begin + length;
            at += length;
            flushWhole();
        }
    }

    /**
     * Writes a whole chunk, in any order; not to be mixed with {@link #write} on one disk.
     *
     * @param offset a multiple of {@link #CHUNK}
     * @param data all of the chunk: the last one ends where the disk ends
     */
    public void writeChunk(long offset, ByteBuffer data) throws IOException {
        long number = offset / DiskTable.CHUNK;
        int length = data.remaining();
        if (offset < 0 || offset % DiskTable.CHUNK != 0 || number >= table.count() || length != table.length(number)) {
            throw new IllegalArgumentException(length + " bytes at " + offset + " are no chunk of a disk of " + size);
        }
        byte[] chunkBytes = snapshot.buffer();
        data.get(chunkBytes, 0, length);
        snapshot.store(chunkBytes, length, id -> table.set(number, id));
    }

    /** Puts bytes where they are wanted. */
    public interface Filling {
        /**
         * Fills a buffer. Calls come from several threads at once, in no order.
         *
         * @param to direct, of the length of a chunk; full afterwards
         */
        void fill(ByteBuffer to) throws IOException;
    }

    /**
     * The next bytes, if they are a whole chunk, without another copy of them; may be mixed with {@link #write}. They are
     * asked for by another thread, and maybe after this returns: {@link #awaitFilled} waits for that.
     *
     * @param offset not before the end of what was written
     * @param length of the bytes there are; if they are no chunk, nothing is done
     * @return whether it was done
     * @throws IOException what the filling of an earlier chunk has thrown, too
     */
    public boolean writeWhole(long offset, long length, Filling filling) throws IOException {
        long number = offset / DiskTable.CHUNK;
        if (offset % DiskTable.CHUNK != 0 || length != table.length(number)) {
            return false;
        }
        begin(offset, length);
        flush();
        snapshot.store(filling, (int) length, id -> table.set(number, id));
        return true;
    }

    /**
     * Waits for all chunks that are to be filled.
     *
     * @throws IOException what the filling of one has thrown, or the repository; the backup has failed then
     */
    public void awaitFilled() throws IOException {
        flush();
        snapshot.await();
    }

    /** Writes zeroes, as {@link #write}; whole chunks of them take no time. */
    public void zero(long offset, long length) throws IOException {
        begin(offset, length);
        long at = offset;
        while (at < offset + length) {
            long number = at / DiskTable.CHUNK;
            int begin = (int) (at % DiskTable.CHUNK);
            int bytes = (int) Math.min(offset + length - at, table.length(number) - begin);
            if (bytes == table.length(number)) {
                flush();
                table.set(number, ChunkId.ZEROES);
            } else {
                byte[] to = at(number, begin);
                Arrays.fill(to, begin, begin + bytes, (byte) 0);
                filled = begin + bytes;
                flushWhole();
            }
            at += bytes;
        }
    }

    private void begin(long offset, long length) {
        if (offset < end || length < 0 || offset + length > size.bytes()) {
            throw new IllegalArgumentException("bytes " + offset + " to " + (offset + length) + " of a disk of " + size
                    + ", of which " + end + " are written");
        }
        end = offset + length;
    }

    /** The buffer of this chunk, filled up to where the next bytes belong. */
    private byte[] at(long number, int begin) throws IOException {
        byte[] current = buffer;
        if (current == null || chunk != number) {
            flush();
            current = snapshot.buffer();
            buffer = current;
            chunk = number;
            filled = 0;
            base = null;
        }
        fill(current, begin);
        return current;
    }

    /** What is left out is as it was. */
    private void fill(byte[] current, int until) throws IOException {
        if (filled >= until) {
            return;
        }
        ChunkId id = table.get(chunk);
        if (id.isZeroes()) {
            Arrays.fill(current, filled, until, (byte) 0);
        } else {
            byte[] before = base;
            if (before == null) {
                before = snapshot.reader().read(id);
                base = before;
            }
            System.arraycopy(before, filled, current, filled, until - filled);
        }
        filled = until;
    }

    private void flushWhole() throws IOException {
        if (filled == table.length(chunk)) {
            flush();
        }
    }

    /** Hands over the chunk that is being written. */
    void flush() throws IOException {
        byte[] current = buffer;
        if (current == null) {
            return;
        }
        long number = chunk;
        fill(current, table.length(number));
        buffer = null;
        snapshot.store(current, table.length(number), id -> table.set(number, id));
    }

    /** Gives up the chunk that is being written. */
    void discard() {
        byte[] current = buffer;
        if (current != null) {
            buffer = null;
            snapshot.give(current);
        }
    }
}
