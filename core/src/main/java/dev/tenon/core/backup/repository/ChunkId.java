package dev.tenon.core.backup.repository;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The name of a chunk: the SHA-256 of its bytes. A chunk of zeroes only is not stored, and has the id of 64 zeroes,
 * whatever its size.
 */
record ChunkId(long a, long b, long c, long d) implements Comparable<ChunkId> {
    static final int BYTES = 32;
    static final ChunkId ZEROES = new ChunkId(0, 0, 0, 0);

    /** Of what remains in a buffer. */
    static ChunkId of(ByteBuffer bytes) {
        MessageDigest digest = digest();
        digest.update(bytes);
        return read(ByteBuffer.wrap(digest.digest()));
    }

    static ChunkId of(byte[] bytes, int length) {
        return of(bytes, 0, length);
    }

    static ChunkId of(byte[] bytes, int offset, int length) {
        MessageDigest digest = digest();
        digest.update(bytes, offset, length);
        return read(ByteBuffer.wrap(digest.digest()));
    }

    static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    static ChunkId read(ByteBuffer from) {
        return new ChunkId(from.getLong(), from.getLong(), from.getLong(), from.getLong());
    }

    static ChunkId parse(String hex) {
        return read(ByteBuffer.wrap(HexFormat.of().parseHex(hex)));
    }

    void write(ByteBuffer to) {
        to.putLong(a).putLong(b).putLong(c).putLong(d);
    }

    /** As their bytes are ordered. */
    @Override
    public int compareTo(ChunkId other) {
        int order = Long.compareUnsigned(a, other.a);
        if (order == 0) {
            order = Long.compareUnsigned(b, other.b);
        }
        if (order == 0) {
            order = Long.compareUnsigned(c, other.c);
        }
        return order == 0 ? Long.compareUnsigned(d, other.d) : order;
    }

    boolean isZeroes() {
        return (a | b | c | d) == 0;
    }

    @Override
    public String toString() {
        ByteBuffer bytes = ByteBuffer.allocate(BYTES);
        write(bytes);
        return HexFormat.of().formatHex(bytes.array());
    }
}
