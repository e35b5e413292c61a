package dev.tenon.core.backup.repository;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * A file of the index: which chunks are in a number of packs, and where. Its entries are sorted by id and cut into buckets by
 * the ids' first bits, so that a chunk is found by reading one bucket. Of the file only the names of its packs and the ends of
 * its buckets are held. Calls come from many threads.
 */
final class IndexFile implements AutoCloseable {
    static final String EXTENSION = ".index";
    static final byte[] MAGIC = "TNNINDX1".getBytes(StandardCharsets.US_ASCII);
    /** Id, number of the pack, offset, stored length, kind, 3 bytes of 0. */
    static final int ENTRY = 48;

    /** End of a bucket in entries, CRC-32C of the bucket. */
    static final int BUCKET = 8;
    /** Number of packs, of entries, bits that choose a bucket, CRC-32C of what is between the entries and here, magic. */
    static final int TRAILER = 24;

    static final int MOST_BITS = 24;

    private final RandomAccessFile file;
    private final String where;
    private final List<String> packs;
    private final int chunks;
    private final int bits;
    private final ByteBuffer buckets;

    /** Is told of a chunk. */
    interface Visitor {
        /**
         * A chunk.
         *
         * @param pack the number of its pack in {@link #packs}
         */
        void visit(ChunkId id, int pack, int offset, int stored, ChunkKind kind) throws IOException;
    }

    private IndexFile(
            RandomAccessFile file, String where, List<String> packs, int chunks, int bits, ByteBuffer buckets) {
        this.file = file;
        this.where = where;
        this.packs = packs;
        this.chunks = chunks;
        this.bits = bits;
        this.buckets = buckets;
    }

    /** All that are there, the largest first. */
    static List<Path> all(Layout layout) throws IOException {
        record Sized(Path path, long size) {}
        List<Sized> found = new ArrayList<>();
        for (Path path : Layout.entries(layout.indexes())) {
            if (path.toString().endsWith(EXTENSION)) {
                try {
                    found.add(new Sized(path, Files.size(path)));
                } catch (NoSuchFileException e) {
                    // merged meanwhile
                }
            }
        }
        found.sort((a, b) -> Long.compare(b.size, a.size));
        return found.stream().map(Sized::path).toList();
    }

    /**
     * Opens one. What is not held is checked when it is read.
     *
     * @throws NoSuchFileException if it is gone
     * @throws BadRepositoryException if it is damaged
     */
    static IndexFile open(Path path) throws IOException {
        String where = "index '" + path.getFileName() + "'";
        RandomAccessFile file = opened(path);
        try {
            return read(file, where);
        } catch (EOFException e) {
            file.close();
            throw new BadRepositoryException(where + " is cut");
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /** Not a channel, which an interrupt of one of its users would close for all. */
    private static RandomAccessFile opened(Path path) throws IOException {
        try {
            return new RandomAccessFile(path.toFile(), "r");
        } catch (FileNotFoundException e) {
            // Thrown for whatever keeps a file from being opened.
            if (!Files.exists(path)) {
                throw new NoSuchFileException(path.toString());
            }
            throw e;
        }
    }

    private static IndexFile read(RandomAccessFile file, String where) throws IOException {
        long size = file.length();
        if (size < MAGIC.length + TRAILER) {
            throw new BadRepositoryException(where + " is cut");
        }
        byte[] head = new byte[MAGIC.length];
        file.readFully(head);
        if (!Arrays.equals(head, MAGIC)) {
            throw new BadRepositoryException(where + " does not begin as an index does");
        }
        byte[] trailer = new byte[TRAILER];
        file.seek(size - TRAILER);
        file.readFully(trailer);
        ByteBuffer numbers = ByteBuffer.wrap(trailer);
        int packCount = numbers.getInt();
        int chunks = numbers.getInt();
        int bits = numbers.getInt();
        int sum = numbers.getInt();
        boolean isMagic = Arrays.equals(trailer, TRAILER - MAGIC.length, TRAILER, MAGIC, 0, MAGIC.length);
        if (!isMagic || packCount < 0 || chunks < 0 || bits < 0 || bits > MOST_BITS) {
            throw new BadRepositoryException(where + " does not end as an index does");
        }
        long held = (long) packCount * ChunkId.BYTES + (1L << bits) * BUCKET;
        if (MAGIC.length + (long) chunks * ENTRY + held + TRAILER != size || held > Integer.MAX_VALUE) {
            throw new BadRepositoryException(where + " has not the size that it tells");
        }
        byte[] bytes = new byte[(int) held];
        file.seek(size - TRAILER - held);
        file.readFully(bytes);
        ByteBuffer names = ByteBuffer.wrap(bytes);
        if (sum(names.duplicate(), packCount, chunks, bits) != sum) {
            throw new BadRepositoryException(where + " is damaged");
        }
        List<String> packs = new ArrayList<>(packCount);
        byte[] name = new byte[ChunkId.BYTES];
        for (int i = 0; i < packCount; i++) {
            names.get(name);
            packs.add(HexFormat.of().formatHex(name));
        }
        return new IndexFile(file, where, packs, chunks, bits, names.slice());
    }

    /** A checksum over the names and buckets, and the numbers that follow. */
    static int sum(ByteBuffer held, int packs, int chunks, int bits) {
        ByteBuffer all = ByteBuffer.allocate(held.remaining() + 12);
        all.put(held).putInt(packs).putInt(chunks).putInt(bits);
        return Pack.checksum(all.flip());
    }

    /** The bucket of an id. */
    static int bucket(ChunkId id, int bits) {
        return bits == 0 ? 0 : (int) (id.a() >>> (Long.SIZE - bits));
    }

    List<String> packs() {
        return packs;
    }

    /** How many entries it has. */
    int chunks() {
        return chunks;
    }

    /**
     * Where a chunk is.
     *
     * @param wanted the packs that count
     * @param damaged the chunks that do not
     * @throws BadRepositoryException if the file is damaged there
     */
    Optional<ChunkIndex.Place> find(ChunkId id, BitSet wanted, DamagedChunks damaged) throws IOException {
        ByteBuffer entries = entries(bucket(id, bits));
        for (int at = 0; at < entries.limit(); at += ENTRY) {
            if (entries.getLong(at) == id.a()
                    && ChunkId.read(entries.duplicate().position(at)).equals(id)) {
                int pack = pack(entries.getInt(at + ChunkId.BYTES));
                if (wanted.get(pack) && !damaged.has(packs.get(pack), id)) {
                    return Optional.of(new ChunkIndex.Place(
                            packs.get(pack),
                            entries.getInt(at + ChunkId.BYTES + 4),
                            entries.getInt(at + ChunkId.BYTES + 8)));
                }
            }
        }
        return Optional.empty();
    }

    /**
     * Tells of the chunks of some packs, in the order of their ids.
     *
     * @throws BadRepositoryException if the file is damaged; some may have been told by then
     */
    void each(BitSet wanted, Visitor visitor) throws IOException {
        for (int bucket = 0; bucket < 1 << bits; bucket++) {
            each(bucket, wanted, visitor);
        }
    }

    /** How many buckets there are. */
    int buckets() {
        return 1 << bits;
    }

    /** Tells of the chunks in one bucket. */
    void each(int bucket, BitSet wanted, Visitor visitor) throws IOException {
        ByteBuffer entries = entries(bucket);
        while (entries.hasRemaining()) {
            ChunkId id = ChunkId.read(entries);
            int pack = pack(entries.getInt());
            int offset = entries.getInt();
            int stored = entries.getInt();
            ChunkKind kind = ChunkKind.of(entries.get(), where);
            entries.get();
            entries.getShort();
            if (wanted.get(pack)) {
                visitor.visit(id, pack, offset, stored, kind);
            }
        }
    }

    private int pack(int number) throws BadRepositoryException {
        if (number < 0 || number >= packs.size()) {
            throw new BadRepositoryException(where + " has a chunk in a pack that it does not name");
        }
        return number;
    }

    private ByteBuffer entries(int bucket) throws IOException {
        int begin = bucket == 0 ? 0 : buckets.getInt((bucket - 1) * BUCKET);
        int end = buckets.getInt(bucket * BUCKET);
        if (begin < 0 || end < begin || end > chunks || end - begin > Integer.MAX_VALUE / ENTRY) {
            throw new BadRepositoryException(where + " has a bucket at no possible place");
        }
        byte[] bytes = new byte[(end - begin) * ENTRY];
        synchronized (file) {
            file.seek(MAGIC.length + (long) begin * ENTRY);
            file.readFully(bytes);
        }
        ByteBuffer entries = ByteBuffer.wrap(bytes);
        if (Pack.checksum(entries.duplicate()) != buckets.getInt(bucket * BUCKET + 4)) {
            throw new BadRepositoryException(where + " is damaged");
        }
        return entries;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
