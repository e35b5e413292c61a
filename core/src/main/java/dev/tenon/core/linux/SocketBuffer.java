package dev.tenon.core.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Bytes between a socket and Java, outside of the heap; used by one thread. */
public final class SocketBuffer {
    final MemorySegment callState = CLibrary.callState(Arena.ofAuto());
    final MemorySegment bytes;

    public SocketBuffer(int capacity) {
        bytes = Arena.ofAuto().allocate(capacity);
    }

    public int capacity() {
        return (int) bytes.byteSize();
    }

    /** Takes bytes that were received. */
    public void copyTo(int from, byte[] target, int offset, int length) {
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, from, target, offset, length);
    }

    /** One byte that was received. */
    public byte get(int index) {
        return bytes.get(ValueLayout.JAVA_BYTE, index);
    }
}
