package dev.tenon.core.backup.repository;

import dev.tenon.core.linux.Zstd;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;

/** Turns chunks into what is stored of them, and back. Each user takes one for the time of a chunk. */
final class Packer {
    static final int LEVEL = 1;

    /** How many bytes to compress as a trial, which tells whether the rest is worth compressing. */
    private static final int TRIAL = 64 << 10;

    private static final int WORTH_WHILE = TRIAL / 100 * 95;

    private final ByteBuffer plain;
    private final ByteBuffer packed;
    private final Zstd zstd = new Zstd();

    private Packer(int largest) {
        plain = ByteBuffer.allocateDirect(largest);
        packed = ByteBuffer.allocateDirect(Pack.CHUNK_HEADER + Math.toIntExact(Zstd.bound(largest)));
    }

    /** Packers that are not in use. */
    static final class Pool implements AutoCloseable {
        private final int largest;
        /** Each has 8 MiB, which are given back when Java sees fit: more than this many wait for each other. */
        private static final int MOST = 2 * Math.clamp(Runtime.getRuntime().availableProcessors(), 2, 8);

        private final Semaphore free = new Semaphore(MOST);
        private final Deque<Packer> idle = new ArrayDeque<>();
        private boolean isClosed;

        Pool(int largest) {
            this.largest = largest;
        }

        /** One that is free; nobody may have two. */
        Packer take() {
            free.acquireUninterruptibly();
            synchronized (this) {
                Packer packer = idle.poll();
                return packer == null ? new Packer(largest) : packer;
            }
        }

        void give(Packer packer) {
            synchronized (this) {
                if (isClosed) {
                    packer.zstd.close();
                } else {
                    idle.push(packer);
                }
            }
            free.release();
        }

        @Override
        public synchronized void close() {
            isClosed = true;
            idle.forEach(packer -> packer.zstd.close());
            idle.clear();
        }
    }

    /** The chunk with its header, as it is written into a pack; valid until the next call. */
    ByteBuffer pack(ChunkKind kind, byte[] chunk, int offset, int length) {
        return pack(kind, plain.clear().put(chunk, offset, length).flip());
    }

    /**
     * The same of a chunk that lies elsewhere.
     *
     * @param chunk direct; what remains in it, which stays so
     */
    ByteBuffer pack(ChunkKind kind, ByteBuffer chunk) {
        int length = chunk.remaining();
        packed.clear().position(Pack.CHUNK_HEADER);
        boolean isSmaller = isWorthWhile(chunk) && compress(chunk.duplicate()) && packed.remaining() < length;
        if (!isSmaller) {
            packed.clear().position(Pack.CHUNK_HEADER);
            packed.put(chunk.duplicate()).flip().position(Pack.CHUNK_HEADER);
        }
        int stored = packed.remaining();
        int sum = Pack.checksum(packed.duplicate());
        packed.position(0);
        packed.putInt(Pack.CHUNK_MAGIC)
                .put((byte) kind.number())
                .put((byte) (isSmaller ? Pack.ZSTD : Pack.RAW))
                .putShort((short) 0)
                .putInt(length)
                .putInt(stored)
                .putInt(sum);
        return packed.position(0);
    }

    private boolean compress(ByteBuffer from) {
        return zstd.compress(from, packed, LEVEL);
    }

    private boolean isWorthWhile(ByteBuffer chunk) {
        if (chunk.remaining() <= TRIAL) {
            return true;
        }
        boolean fits = compress(chunk.slice(chunk.position(), TRIAL));
        boolean saves = fits && packed.remaining() < WORTH_WHILE;
        packed.clear().position(Pack.CHUNK_HEADER);
        return saves;
    }

    /**
     * The chunk that was stored.
     *
     * @param stored with its header
     * @param where what errors call it
     */
    byte[] unpack(ByteBuffer stored, String where) throws BadRepositoryException {
        int magic = stored.getInt();
        stored.get();
        int method = stored.get();
        stored.getShort();
        int length = stored.getInt();
        int bytes = stored.getInt();
        int sum = stored.getInt();
        boolean isPossible =
                magic == Pack.CHUNK_MAGIC && bytes == stored.remaining() && length >= 0 && length <= plain.capacity();
        if (!isPossible || Pack.checksum(stored.duplicate()) != sum) {
            throw damaged(where);
        }
        plain.clear().limit(length);
        switch (method) {
            case Pack.RAW -> {
                if (stored.remaining() != length) {
                    throw damaged(where);
                }
                plain.put(stored).flip();
            }
            case Pack.ZSTD -> {
                if (!zstd.decompress(stored, plain) || plain.remaining() != length) {
                    throw damaged(where);
                }
            }
            default ->
                throw new BadRepositoryException(where + " is packed by method " + method
                        + ", which this version does not know; use a newer one");
        }
        byte[] chunk = new byte[length];
        plain.get(chunk);
        return chunk;
    }

    static BadRepositoryException damaged(String where) {
        return new BadRepositoryException(
                where + " is damaged; verify the repository, which names the snapshots that it"
                        + " hurts, and back their guests up anew");
    }

    /** Direct, to read a stored chunk of this size into; valid until the next call. */
    ByteBuffer buffer(int size) {
        return size <= packed.capacity() ? packed.clear().limit(size) : ByteBuffer.allocateDirect(size);
    }
}
