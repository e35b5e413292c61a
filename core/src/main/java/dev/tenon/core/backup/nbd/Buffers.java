package dev.tenon.core.backup.nbd;

import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/** Buffers for data, which are used again: the JVM frees a direct buffer only when it happens to collect its garbage. */
final class Buffers {
    /** What data are read and sent in. */
    static final int PIECE = 1 << 20;

    private static final int MOST = 16;

    private final BlockingQueue<ByteBuffer> idle = new ArrayBlockingQueue<>(MOST);

    /** A buffer of this many bytes with undefined content. */
    ByteBuffer take(int length) {
        if (length > PIECE) {
            return ByteBuffer.allocateDirect(length);
        }
        ByteBuffer kept = idle.poll();
        return (kept == null ? ByteBuffer.allocateDirect(PIECE) : kept).clear().limit(length);
    }

    /** Gives it back. */
    void giveBack(ByteBuffer buffer) {
        if (buffer.capacity() == PIECE) {
            var _ = idle.offer(buffer);
        }
    }
}
