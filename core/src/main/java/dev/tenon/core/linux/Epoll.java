package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * What happens on many sockets, for as many threads as wait for it: everything that happens is told to one of them, the
 * one that began to wait last. It is told once, so whoever hears of it reads or writes until there is nothing left.
 */
public final class Epoll implements AutoCloseable {
    /** There is something to read, or to accept. */
    public static final int READABLE = 0x1;

    /** There is room for what is written. */
    public static final int WRITABLE = 0x4;

    /** The peer has ended the connection, or has shut down its half of it. */
    public static final int ENDED = 0x8 | 0x10 | 0x2000;

    private static final int PEER_SHUT_DOWN = 0x2000;
    private static final int EDGE_TRIGGERED = 1 << 31;
    private static final int CLOSE_ON_EXEC = 0x80000;
    private static final int NON_BLOCKING = 0x800;
    private static final int ADD = 1;
    private static final int REMOVE = 2;
    private static final int CHANGE = 3;

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
    private static final MethodHandle EVENTFD = CLibrary.functionWithErrno(
            "eventfd", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle EVENTFD_WRITE = CLibrary.functionWithErrno(
            "eventfd_write", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));

    private final Descriptor descriptor;
    private final Descriptor bell;

    /** One of the threads that wait; used by that thread only. */
    public final class Waiter {
        private final MemorySegment callState = CLibrary.callState(Arena.ofAuto());
        private final MemorySegment event = Arena.ofAuto().allocate(EVENT_BYTES, Long.BYTES);

        private Waiter() {}

        /**
         * Waits.
         *
         * @param millis how long at most, below 0 without end
         * @return what happened, 0 if nothing did
         */
        public int await(int millis) throws IOException {
            long count = CLibrary.call(callState, "epoll_wait", state ->
                    (int) WAIT.invokeExact(state, descriptor.number(), event, 1, millis));
            if (count == -Errno.EINTR) {
                return 0;
            }
            return CLibrary.checked(count, descriptor.name()) == 0 ? 0 : event.get(ValueLayout.JAVA_INT, 0);
        }

        /** With which token that was added on which it happened. */
        public long token() {
            return event.get(ValueLayout.JAVA_LONG_UNALIGNED, TOKEN_OFFSET);
        }
    }

    private Epoll(Descriptor descriptor, Descriptor bell) {
        this.descriptor = descriptor;
        this.bell = bell;
    }

    /**
     * Makes one.
     *
     * @param bellToken what {@link #ring} is told as
     */
    public static Epoll create(long bellToken) throws IOException {
        String name = "an epoll";
        Descriptor descriptor = Descriptor.of(
                (int) CLibrary.checked(
                        CLibrary.call("epoll_create1", state -> (int) CREATE.invokeExact(state, CLOSE_ON_EXEC)), name),
                name);
        try {
            long number = CLibrary.call(
                    "eventfd", state -> (int) EVENTFD.invokeExact(state, 0, CLOSE_ON_EXEC | NON_BLOCKING));
            Epoll epoll = new Epoll(descriptor, Descriptor.of((int) CLibrary.checked(number, name), name));
            epoll.control(ADD, epoll.bell.number(), bellToken, READABLE);
            return epoll;
        } catch (IOException e) {
            descriptor.close();
            throw e;
        }
    }

    public Waiter waiter() {
        return new Waiter();
    }

    /**
     * Begins to tell what happens on a socket.
     *
     * @param events of {@link #READABLE} and {@link #WRITABLE}; that the peer ended is told in any case
     */
    public void add(UnixSocket socket, long token, int events) throws IOException {
        control(ADD, socket.number(), token, events);
    }

    /** Tells other events than before; those that are there already are told again. */
    public void change(UnixSocket socket, long token, int events) throws IOException {
        control(CHANGE, socket.number(), token, events);
    }

    /** Tells no more of a socket. */
    public void remove(UnixSocket socket) throws IOException {
        control(REMOVE, socket.number(), 0, 0);
    }

    /** Wakes one of those who wait. */
    public void ring() throws IOException {
        CLibrary.checked(
                CLibrary.call("eventfd_write", state -> (int) EVENTFD_WRITE.invokeExact(state, bell.number(), 1L)),
                bell.name());
    }

    private void control(int operation, int number, long token, int events) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(EVENT_BYTES, Long.BYTES);
            event.set(ValueLayout.JAVA_INT, 0, events | PEER_SHUT_DOWN | EDGE_TRIGGERED);
            event.set(ValueLayout.JAVA_LONG_UNALIGNED, TOKEN_OFFSET, token);
            CLibrary.checked(
                    CLibrary.call("epoll_ctl", state ->
                            (int) CONTROL.invokeExact(state, descriptor.number(), operation, number, event)),
                    descriptor.name());
        }
    }

    /** Nobody may wait any more. */
    @Override
    public void close() {
        bell.close();
        descriptor.close();
    }
}
