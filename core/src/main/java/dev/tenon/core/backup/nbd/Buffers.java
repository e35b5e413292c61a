package dev.tenon.core.backup.nbd;

import dev.tenon.core.linux.NativeMemory;
import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** Buffers for data, which are used again: the JVM frees a direct buffer only when it happens to collect its garbage. */
final class Buffers implements AutoCloseable {
    /** What data are read and sent in. */
    static final int PIECE = 1 << 20;

    private static final int MOST = 16;

    private final BlockingQueue<ByteBuffer> idle = new ArrayBlockingQueue<>(MOST);
    private final AtomicInteger made = new AtomicInteger();
    private final NativeMemory memory = new NativeMemory();

    /** A buffer of this many bytes with undefined content. */
    ByteBuffer take(int length) {
        if (length > PIECE) {
            return ByteBuffer.allocateDirect(length);
        }
        ByteBuffer kept = idle.poll();
        return (kept == null ? another() : kept).clear().limit(length);
    }

    /** Those that there is no room to keep are Java's. */
    private ByteBuffer another() {
        return made.incrementAndGet() <= MOST ? memory.allocate(PIECE) : ByteBuffer.allocateDirect(PIECE);
    }

    /** Gives it back. */
    void giveBack(ByteBuffer buffer) {
        if (buffer.capacity() == PIECE) {
            var _ = idle.offer(buffer);
        }
    }

    /** Gives back their memory; none of them is used any more. */
    @Override
    public void close() {
        memory.close();
    }
}
