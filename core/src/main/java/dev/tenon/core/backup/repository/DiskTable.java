package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which chunk is where on a disk: the ids of its chunks in their order, cut into leaves, which are chunks themselves. Only
 * the leaves that are asked for are read, and only those that change are written.
 */
final class DiskTable {
    static final int CHUNK = 4 << 20;
    static final int LEAF = 2048;

    private final long size;
    private final List<ChunkId> leaves;
    private final List<@Nullable List<ChunkId>> read;
    private final ChunkReader chunks;

    DiskTable(ByteSize size, List<ChunkId> leaves, ChunkReader chunks) throws BadRepositoryException {
        this.size = size.bytes();
        this.leaves = new ArrayList<>(leaves);
        this.chunks = chunks;
        if (leaves.size() != leavesOf(size)) {
            throw new BadRepositoryException("a disk of " + size + " has a table of " + leaves.size()
                    + " leaves, and needs " + leavesOf(size) + "; its snapshot cannot be restored");
        }
        this.read = new ArrayList<>(leaves.size());
        leaves.forEach(_ -> read.add(null));
    }

    /** The table of a disk of a snapshot. */
    static DiskTable of(Snapshot.Disk disk, ChunkReader chunks) throws BadRepositoryException {
        return new DiskTable(
                disk.size(), disk.leaves().stream().map(ChunkId::parse).toList(), chunks);
    }

    /** The table of a disk of zeroes only. */
    static DiskTable empty(ByteSize size, ChunkReader chunks) throws BadRepositoryException {
        return new DiskTable(size, Collections.nCopies(leavesOf(size), ChunkId.ZEROES), chunks);
    }

    private static int leavesOf(ByteSize size) {
        long chunks = (size.bytes() + CHUNK - 1) / CHUNK;
        return Math.toIntExact((chunks + LEAF - 1) / LEAF);
    }

    long count() {
        return (size + CHUNK - 1) / CHUNK;
    }

    /** Bytes of this chunk: the last one may be shorter than the others. */
    int length(long chunk) {
        return (int) Math.min(CHUNK, size - chunk * CHUNK);
    }

    synchronized ChunkId get(long chunk) throws IOException {
        return leaf((int) (chunk / LEAF)).get((int) (chunk % LEAF));
    }

    synchronized void set(long chunk, ChunkId id) throws IOException {
        leaf((int) (chunk / LEAF)).set((int) (chunk % LEAF), id);
    }

    private List<ChunkId> leaf(int number) throws IOException {
        List<ChunkId> leaf = read.get(number);
        if (leaf == null) {
            leaf = ids(leaves.get(number), Math.toIntExact(Math.min(LEAF, count() - (long) number * LEAF)), chunks);
            read.set(number, leaf);
        }
        return leaf;
    }

    /** The ids in a leaf. */
    static List<ChunkId> ids(ChunkId leaf, int count, ChunkReader chunks) throws IOException {
        List<ChunkId> ids = new ArrayList<>(count);
        if (leaf.isZeroes()) {
            for (int i = 0; i < count; i++) {
                ids.add(ChunkId.ZEROES);
            }
            return ids;
        }
        ByteBuffer bytes = ByteBuffer.wrap(chunks.read(leaf));
        if (bytes.remaining() != count * ChunkId.BYTES) {
            throw new BadRepositoryException(
                    "chunk " + leaf + " is no leaf of " + count + " chunks; its snapshots cannot be" + " restored");
        }
        while (bytes.hasRemaining()) {
            ids.add(ChunkId.read(bytes));
        }
        return ids;
    }

    /** Stores a leaf. */
    interface Storing {
        ChunkId store(byte[] leaf) throws IOException;
    }

    /** The ids of all leaves; those that were looked at are stored anew, which costs nothing if they are the same. */
    synchronized List<ChunkId> store(Storing storing) throws IOException {
        for (int i = 0; i < read.size(); i++) {
            List<ChunkId> leaf = read.get(i);
            if (leaf != null) {
                ByteBuffer bytes = ByteBuffer.allocate(leaf.size() * ChunkId.BYTES);
                leaf.forEach(id -> id.write(bytes));
                leaves.set(i, storing.store(bytes.array()));
            }
        }
        return List.copyOf(leaves);
    }
}
