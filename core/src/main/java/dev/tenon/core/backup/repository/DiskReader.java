package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads a disk of a snapshot anywhere. Calls come from many threads; every byte is checked before it is given. */
public final class DiskReader {
    private static final int CACHED = 8;

    private final ByteSize size;
    private final DiskTable table;
    private final ChunkReader chunks;
    private final Map<ChunkId, byte[]> cache = new LinkedHashMap<>(CACHED, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<ChunkId, byte[]> eldest) {
            return size() > CACHED;
        }
    };

    DiskReader(ByteSize size, DiskTable table, ChunkReader chunks) {
        this.size = size;
        this.table = table;
        this.chunks = chunks;
    }

    public ByteSize size() {
        return size;
    }

    /** Whether these bytes are known to be zeroes without being read; they may be, too, if not. */
    public boolean isZero(long offset, long length) throws IOException {
        for (long chunk = offset / DiskTable.CHUNK; chunk * DiskTable.CHUNK < offset + length; chunk++) {
            if (!table.get(chunk).isZeroes()) {
                return false;
            }
        }
        return true;
    }

    /**
     * Fills a buffer.
     *
     * @param offset bytes; with what remains in the buffer not behind the disk's end
     * @throws BadRepositoryException if a chunk is missing or damaged; nothing of it is in the buffer
     */
    public void read(long offset, ByteBuffer to) throws IOException {
        if (offset < 0 || offset + to.remaining() > size.bytes()) {
            throw new IllegalArgumentException(
                    "bytes " + offset + " to " + (offset + to.remaining()) + " of a disk of " + size);
        }
        long at = offset;
        while (to.hasRemaining()) {
            long number = at / DiskTable.CHUNK;
            int begin = (int) (at % DiskTable.CHUNK);
            int length = Math.min(to.remaining(), table.length(number) - begin);
            ChunkId id = table.get(number);
            if (id.isZeroes()) {
                for (int i = 0; i < length; i++) {
                    to.put((byte) 0);
                }
            } else {
                byte[] chunk = chunk(id);
                if (chunk.length != table.length(number)) {
                    throw Packer.damaged("chunk " + id + ", which has the wrong size for its disk,");
                }
                to.put(chunk, begin, length);
            }
            at += length;
        }
    }

    private byte[] chunk(ChunkId id) throws IOException {
        byte @Nullable [] cached;
        synchronized (cache) {
            cached = cache.get(id);
        }
        if (cached != null) {
            return cached;
        }
        byte[] chunk = chunks.read(id);
        synchronized (cache) {
            cache.put(id, chunk);
        }
        return chunk;
    }
}
