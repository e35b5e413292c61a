package dev.tenon.core.backup.repository;

import dev.tenon.core.linux.NativeMemory;
import dev.tenon.core.linux.Zstd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** Turns chunks into what is stored of them, and back. Each user takes one for the time of a chunk. */
final class Packer {
    static final int LEVEL = 1;

    /** How many bytes to compress as a trial, which tells whether the rest is worth compressing. */
    private static final int TRIAL = 64 << 10;

    /** Bytes of the header of a chunk. */
    private static final int KIND = 4;

    private static final int UNUSED = 7;

    private static final int WORTH_WHILE = TRIAL / 100 * 95;

    /** What it has is given back with it: Java sees no need to for memory that is not its own. */
    private final NativeMemory memory = new NativeMemory();

    private final ByteBuffer plain;
    private final ByteBuffer packed;
    private final @Nullable RepositoryKey key;
    private @Nullable ByteBuffer sealed;
    private final Zstd zstd = new Zstd();

    private Packer(int largest, @Nullable RepositoryKey key) {
        try {
            plain = allocate(largest);
            packed = allocate(Pack.CHUNK_HEADER + Zstd.bound(largest));
        } catch (Error e) {
            // Nobody else gives back what there was room for.
            free();
            throw e;
        }
        this.key = key;
    }

    private ByteBuffer allocate(long size) {
        return memory.allocate(size);
    }

    private void free() {
        zstd.close();
        memory.close();
    }

    /** For sealed chunks; a repository that is not encrypted needs none. */
    private ByteBuffer sealed() {
        ByteBuffer present = sealed;
        if (present == null) {
            present = allocate((long) packed.capacity() + Sealing.OVERHEAD);
            sealed = present;
        }
        return present.clear();
    }

    /** Bytes of a chunk by which a pack gets another name. */
    static final int UNIQUE = 32;

    /** Such a chunk, and what is stored of it, with its header. */
    record Unique(ChunkId id, ByteBuffer stored) {}

    /** Packers that are not in use. */
    static final class Pool implements AutoCloseable {
        private final int largest;
        private final @Nullable RepositoryKey key;

        /** Each has 8 MiB, and twice as much for sealed chunks: more than this many wait for each other. */
        private static final int MOST = 2 * Math.clamp(Runtime.getRuntime().availableProcessors(), 2, 8);

        private final Semaphore free = new Semaphore(MOST);
        private final Deque<Packer> idle = new ArrayDeque<>();
        private boolean isClosed;

        /**
         * For chunks of one repository.
         *
         * @param key null if it is not encrypted
         */
        Pool(int largest, @Nullable RepositoryKey key) {
            this.largest = largest;
            this.key = key;
        }

        /** One that is free; nobody may have two. */
        Packer take() {
            free.acquireUninterruptibly();
            try {
                synchronized (this) {
                    Packer packer = idle.poll();
                    return packer == null ? new Packer(largest, key) : packer;
                }
            } catch (RuntimeException | Error e) {
                free.release();
                throw e;
            }
        }

        /** The key of the repository; null if it is not encrypted. */
        @Nullable
        RepositoryKey key() {
            return key;
        }

        /**
         * A chunk that no other pack has, by which a pack gets another name. It waits for no packer: those who have one may
         * wait for the pack.
         *
         * @param sealing null in a repository that is not encrypted
         */
        Unique unique(@Nullable Sealing sealing) {
            byte[] bytes = RepositoryKey.random(UNIQUE);
            ChunkId chunk = id(bytes, 0, bytes.length);
            Packer own = new Packer(bytes.length, key);
            try {
                ByteBuffer stored = own.pack(chunk, ChunkKind.DATA, bytes, 0, bytes.length, sealing);
                return new Unique(
                        chunk,
                        ByteBuffer.allocate(stored.remaining()).put(stored).flip());
            } finally {
                own.free();
            }
        }

        /** What one backup seals its chunks with; null in a repository that is not encrypted. */
        @Nullable
        Sealing sealing() {
            return key == null ? null : key.seal();
        }

        /** The name of a chunk. */
        ChunkId id(byte[] chunk, int offset, int length) {
            return id(ByteBuffer.wrap(chunk, offset, length));
        }

        /** The same of what remains in a buffer, which stays so. */
        ChunkId id(ByteBuffer chunk) {
            return named(key, chunk.duplicate());
        }

        void give(Packer packer) {
            synchronized (this) {
                if (isClosed) {
                    packer.free();
                } else {
                    idle.push(packer);
                }
            }
            free.release();
        }

        @Override
        public synchronized void close() {
            isClosed = true;
            idle.forEach(Packer::free);
            idle.clear();
        }
    }

    private static ChunkId named(@Nullable RepositoryKey key, ByteBuffer chunk) {
        return key == null ? ChunkId.of(chunk) : key.id(chunk);
    }

    /** The chunk with its header, as it is written into a pack; valid until the next call. */
    ByteBuffer pack(ChunkId id, ChunkKind kind, byte[] chunk, int offset, int length, @Nullable Sealing sealing) {
        return pack(id, kind, plain.clear().put(chunk, offset, length).flip(), sealing);
    }

    /**
     * The same of a chunk that lies elsewhere.
     *
     * @param chunk direct; what remains in it, which stays so
     * @throws IllegalStateException if the repository is encrypted and there is nothing to seal by, or the reverse
     */
    ByteBuffer pack(ChunkId id, ChunkKind kind, ByteBuffer chunk, @Nullable Sealing sealing) {
        if ((key == null) != (sealing == null)) {
            throw new IllegalStateException(
                    key == null
                            ? "this repository is not encrypted"
                            : "a chunk of an encrypted repository is not sealed");
        }
        int length = chunk.remaining();
        packed.clear().position(Pack.CHUNK_HEADER);
        boolean isSmaller = isWorthWhile(chunk) && compress(chunk.duplicate()) && packed.remaining() < length;
        if (!isSmaller) {
            packed.clear().position(Pack.CHUNK_HEADER);
            packed.put(chunk.duplicate()).flip().position(Pack.CHUNK_HEADER);
        }
        ByteBuffer header = ByteBuffer.allocate(Pack.CHUNK_HEADER)
                .putInt(Pack.CHUNK_MAGIC)
                .put((byte) kind.number())
                .put((byte) (isSmaller ? Pack.ZSTD : Pack.RAW))
                .put((byte) (sealing == null ? 0 : Pack.SEALED))
                .put((byte) 0)
                .putInt(length);
        ByteBuffer to = packed;
        if (sealing != null) {
            to = sealed().position(Pack.CHUNK_HEADER);
            sealing.seal(name(header.array(), id), packed, to);
            to.flip().position(Pack.CHUNK_HEADER);
        }
        header.putInt(to.remaining()).putInt(Pack.checksum(to.duplicate()));
        return to.position(0).put(header.flip()).position(0);
    }

    /** What a sealed chunk is bound to: the first 12 bytes of its header, and its id. */
    private static byte[] name(byte[] header, ChunkId id) {
        ByteBuffer name = ByteBuffer.allocate(Pack.BOUND + ChunkId.BYTES).put(header, 0, Pack.BOUND);
        id.write(name);
        return name.array();
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
     * @throws BadRepositoryException if it is damaged, or is another chunk than this
     */
    byte[] unpack(ChunkId id, ByteBuffer stored, String where) throws IOException {
        ByteBuffer content = unpacked(id, stored, where);
        byte[] chunk = new byte[content.remaining()];
        content.get(chunk);
        return chunk;
    }

    /** The same in a direct buffer; valid until the next call. */
    ByteBuffer unpacked(ChunkId id, ByteBuffer stored, String where) throws IOException {
        byte[] header = new byte[Pack.BOUND];
        stored.duplicate().get(header);
        int magic = stored.getInt();
        stored.get();
        int method = stored.get();
        int flags = stored.get();
        stored.get();
        int length = stored.getInt();
        int bytes = stored.getInt();
        int sum = stored.getInt();
        boolean isPossible =
                magic == Pack.CHUNK_MAGIC && bytes == stored.remaining() && length >= 0 && length <= plain.capacity();
        if (!isPossible || Pack.checksum(stored.duplicate()) != sum) {
            throw damaged(where);
        }
        ByteBuffer content = opened(id, header, flags, stored, where);
        plain.clear().limit(length);
        switch (method) {
            case Pack.RAW -> {
                if (content.remaining() != length) {
                    throw damaged(where);
                }
                plain.put(content).flip();
            }
            case Pack.ZSTD -> {
                if (!zstd.decompress(content, plain) || plain.remaining() != length) {
                    throw damaged(where);
                }
            }
            default ->
                throw new BadRepositoryException(where + " is packed by method " + method
                        + ", which this version does not know; use a newer one");
        }
        if (!named(key, plain.duplicate()).equals(id)) {
            throw damaged(where);
        }
        return plain;
    }

    private ByteBuffer opened(ChunkId id, byte[] header, int flags, ByteBuffer stored, String where)
            throws IOException {
        if ((flags == 0) != (key == null) || flags > Pack.SEALED || flags < 0) {
            throw damaged(where);
        }
        if (key == null) {
            return stored;
        }
        ByteBuffer to = sealed();
        if (stored.remaining() < Sealing.OVERHEAD || stored.remaining() > to.capacity()) {
            throw damaged(where);
        }
        byte[] half = new byte[Sealing.HALF];
        stored.get(half);
        if (!key.open(half, where).open(name(header, id), stored, to)) {
            throw damaged(where);
        }
        return to.flip();
    }

    /**
     * Checks all of a chunk, also what nobody needs who reads.
     *
     * @param stored with its header
     * @throws BadRepositoryException if anything of it is damaged
     */
    void check(PackEntry entry, ByteBuffer stored, String where) throws IOException {
        if (stored.get(KIND) != entry.kind().number() || stored.get(UNUSED) != 0) {
            throw damaged(where);
        }
        unpacked(entry.id(), stored, where);
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
