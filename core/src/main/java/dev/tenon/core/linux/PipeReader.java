package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.OptionalInt;

/** The reading end of a pipe; reads never wait. One thread at a time may use it. */
public final class PipeReader implements AutoCloseable {
    private static final int BYTES = 16384;
    private static final int F_SETFL = 4;
    private static final int O_NONBLOCK = 0x800;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment callState = CLibrary.callState(arena);
    private final MemorySegment buffer = arena.allocate(BYTES);
    private final Descriptor pipe;

    /**
     * Takes over a descriptor.
     *
     * @param pipe an end of a pipe that no other process has
     */
    public PipeReader(Descriptor pipe) throws IOException {
        this.pipe = pipe;
        CLibrary.checked(
                CLibrary.call("fcntl", state ->
                        (int) SharedCalls.FCNTL.invokeExact(state, pipe.number(), F_SETFL, O_NONBLOCK)),
                pipe.name());
    }

    /**
     * Reads what is there.
     *
     * @param into at least one byte long
     * @return how many bytes came, 0 if none is there now; empty at the end, when nobody can write any more
     */
    public OptionalInt read(byte[] into) throws IOException {
        long length = Math.min(into.length, BYTES);
        long read = CLibrary.call(
                callState, "read", state -> (long) SharedCalls.READ.invokeExact(state, pipe.number(), buffer, length));
        if (read == -Errno.EAGAIN || read == -Errno.EINTR) {
            return OptionalInt.of(0);
        }
        if (CLibrary.checked(read, pipe.name()) == 0) {
            return OptionalInt.empty();
        }
        MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, into, 0, (int) read);
        return OptionalInt.of((int) read);
    }

    @Override
    public void close() {
        pipe.close();
        arena.close();
    }
}
