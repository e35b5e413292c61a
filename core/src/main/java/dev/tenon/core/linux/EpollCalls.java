package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** The calls of epoll(7), for {@link Epoll} and {@link Readiness}. */
final class EpollCalls {
    static final int ADD = 1;
    static final int REMOVE = 2;
    static final int CHANGE = 3;
    static final int CLOSE_ON_EXEC = 0x80000;

    /** The kernel's struct has no gap on x86-64, and one on all others. */
    private static final boolean IS_PACKED = System.getProperty("os.arch", "").equals("amd64");

    private static final int TOKEN_OFFSET = IS_PACKED ? 4 : 8;
    private static final int EVENT_BYTES = TOKEN_OFFSET + Long.BYTES;

    private static final MethodHandle CREATE = CLibrary.functionWithErrno(
            "epoll_create1", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle CONTROL = CLibrary.functionWithErrno(
            "epoll_ctl",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS));
    private static final MethodHandle WAIT = CLibrary.functionWithErrno(
            "epoll_wait",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT));

    private EpollCalls() {}

    static Descriptor create(String name) throws IOException {
        long number = CLibrary.call("epoll_create1", state -> (int) CREATE.invokeExact(state, CLOSE_ON_EXEC));
        return Descriptor.of((int) CLibrary.checked(number, name), name);
    }

    /** Room for this many events. */
    static MemorySegment events(Arena arena, int count) {
        return arena.allocate((long) EVENT_BYTES * count, Long.BYTES);
    }

    /** The token of one of these events. */
    static long token(MemorySegment events, long index) {
        return events.get(ValueLayout.JAVA_LONG_UNALIGNED, index * EVENT_BYTES + TOKEN_OFFSET);
    }

    /** Adds, changes or removes a descriptor; the result, or the error number below 0. */
    static long control(Descriptor epoll, int operation, int number, int events, long token) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = events(arena, 1);
            event.set(ValueLayout.JAVA_INT, 0, events);
            event.set(ValueLayout.JAVA_LONG_UNALIGNED, TOKEN_OFFSET, token);
            return CLibrary.call(
                    "epoll_ctl", state -> (int) CONTROL.invokeExact(state, epoll.number(), operation, number, event));
        }
    }

    /**
     * Waits for events.
     *
     * @param callState of the calling thread
     * @param millis how long at most, below 0 without end
     * @return how many came, or the error number below 0
     */
    static long await(Descriptor epoll, MemorySegment callState, MemorySegment events, int most, int millis) {
        return CLibrary.call(
                callState, "epoll_wait", state -> (int) WAIT.invokeExact(state, epoll.number(), events, most, millis));
    }
}
