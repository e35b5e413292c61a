package dev.tenon.core.linux;

import java.lang.foreign.Arena;
import java.nio.ByteBuffer;

/**
 * Memory outside of Java's heap for buffers of many threads, which is given back when its owner says so. Java gives direct
 * buffers back when it collects its heap, which may have no reason for that.
 */
public final class NativeMemory implements AutoCloseable {
    /** Of this many bytes the address of each buffer is a multiple. */
    public static final int PAGE = 4096;

    private final Arena arena = Arena.ofShared();

    /**
     * A direct buffer of zeroes.
     *
     * @param size bytes, at most 2 GiB
     * @throws OutOfMemoryError if there is no room for it
     */
    public ByteBuffer allocate(long size) {
        return arena.allocate(size, PAGE).asByteBuffer();
    }

    /**
     * Gives all of it back. Who uses a buffer afterwards gets an {@link IllegalStateException}; closing again does nothing.
     */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
