package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.List;

/** Writes a file of the index; {@link IndexFile} reads it. For one thread. */
final class IndexWriter implements AutoCloseable {
    private static final int PER_BUCKET = 64;
    private static final int BUFFER = 1 << 20;

    private final FileChannel channel;
    private final List<String> packs;
    private final int bits;
    private final ByteBuffer buckets;
    private final ByteBuffer out = ByteBuffer.allocate(BUFFER);
    private ByteBuffer bucket = ByteBuffer.allocate(4 * PER_BUCKET * IndexFile.ENTRY);
    private int current;
    private int chunks;

    /**
     * Begins a file.
     *
     * @param packs what the entries' numbers mean
     * @param most how many entries may come
     */
    IndexWriter(Path file, List<String> packs, long most) throws IOException {
        this.packs = packs;
        this.bits = Math.min(
                IndexFile.MOST_BITS, Long.SIZE - Long.numberOfLeadingZeros(Math.max(0, most - 1) / PER_BUCKET));
        this.buckets = ByteBuffer.allocate((1 << bits) * IndexFile.BUCKET);
        this.channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        out.put(IndexFile.MAGIC);
    }

    /** Adds a chunk; ids come in their order. */
    void add(ChunkId id, int pack, int offset, int stored, ChunkKind kind) throws IOException {
        endUntil(IndexFile.bucket(id, bits));
        if (bucket.remaining() < IndexFile.ENTRY) {
            bucket = ByteBuffer.allocate(2 * bucket.capacity()).put(bucket.flip());
        }
        id.write(bucket);
        bucket.putInt(pack)
                .putInt(offset)
                .putInt(stored)
                .put((byte) kind.number())
                .put((byte) 0)
                .putShort((short) 0);
        chunks++;
    }

    private void endUntil(int next) throws IOException {
        if (next < current) {
            throw new IllegalArgumentException("a chunk comes after one with a greater id");
        }
        for (; current < next; current++) {
            bucket.flip();
            buckets.putInt(chunks).putInt(Pack.checksum(bucket.duplicate()));
            write(bucket);
            bucket.clear();
        }
    }

    private void write(ByteBuffer from) throws IOException {
        if (from.remaining() > out.remaining()) {
            Pack.writeFully(channel, out.flip());
            out.clear();
        }
        if (from.remaining() > out.remaining()) {
            Pack.writeFully(channel, from);
        } else {
            out.put(from);
        }
    }

    /** Writes and syncs the rest; answers the file's name: the SHA-256 of what is behind the entries. */
    String finish() throws IOException {
        endUntil(1 << bits);
        ByteBuffer held = ByteBuffer.allocate(packs.size() * ChunkId.BYTES + buckets.capacity());
        packs.forEach(pack -> held.put(HexFormat.of().parseHex(pack)));
        held.put(buckets.flip()).flip();
        ByteBuffer end = ByteBuffer.allocate(held.remaining() + IndexFile.TRAILER);
        end.put(held.duplicate())
                .putInt(packs.size())
                .putInt(chunks)
                .putInt(bits)
                .putInt(IndexFile.sum(held, packs.size(), chunks, bits))
                .put(IndexFile.MAGIC)
                .flip();
        var digest = ChunkId.digest();
        digest.update(end.duplicate());
        Pack.writeFully(channel, out.flip());
        Pack.writeFully(channel, end);
        channel.force(true);
        return HexFormat.of().formatHex(digest.digest()) + IndexFile.EXTENSION;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
