package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Events on many sockets, for any number of threads that wait for them. Each event goes to one thread, the one that began to
 * wait last. It is reported once, so that thread must read or write until there is nothing left.
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
    private static final int NON_BLOCKING = 0x800;

    private static final MethodHandle EVENTFD = CLibrary.functionWithErrno(
            "eventfd", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle EVENTFD_WRITE = CLibrary.functionWithErrno(
            "eventfd_write", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));

    private final Descriptor descriptor;
    private final Descriptor bell;

    /** One of the threads that wait; used by that thread only. */
    public final class Waiter {
        private final MemorySegment callState = CLibrary.callState(Arena.ofAuto());
        private final MemorySegment event = EpollCalls.events(Arena.ofAuto(), 1);

        private Waiter() {}

        /**
         * Waits.
         *
         * @param millis how long at most, below 0 without end
         * @return what happened, 0 if nothing did
         */
        public int await(int millis) throws IOException {
            long count = EpollCalls.await(descriptor, callState, event, 1, millis);
            if (count == -Errno.EINTR) {
                return 0;
            }
            return CLibrary.checked(count, descriptor.name()) == 0 ? 0 : event.get(ValueLayout.JAVA_INT, 0);
        }

        /** The token of the socket that it happened on. */
        public long token() {
            return EpollCalls.token(event, 0);
        }
    }

    private Epoll(Descriptor descriptor, Descriptor bell) {
        this.descriptor = descriptor;
        this.bell = bell;
    }

    /**
     * Makes one.
     *
     * @param bellToken the token that {@link #ring} is reported with
     */
    public static Epoll create(long bellToken) throws IOException {
        String name = "an epoll";
        Descriptor descriptor = EpollCalls.create(name);
        try {
            return withBell(descriptor, name, bellToken);
        } catch (IOException e) {
            descriptor.close();
            throw e;
        }
    }

    private static Epoll withBell(Descriptor descriptor, String name, long token) throws IOException {
        long number = CLibrary.call(
                "eventfd", state -> (int) EVENTFD.invokeExact(state, 0, EpollCalls.CLOSE_ON_EXEC | NON_BLOCKING));
        Descriptor bell = Descriptor.of((int) CLibrary.checked(number, name), name);
        try {
            Epoll epoll = new Epoll(descriptor, bell);
            epoll.control(EpollCalls.ADD, bell.number(), token, READABLE);
            return epoll;
        } catch (IOException e) {
            bell.close();
            throw e;
        }
    }

    public Waiter waiter() {
        return new Waiter();
    }

    /**
     * Begins to report events of a socket.
     *
     * @param events of {@link #READABLE} and {@link #WRITABLE}; the end of the peer is always reported
     */
    public void add(UnixSocket socket, long token, int events) throws IOException {
        control(EpollCalls.ADD, socket.number(), token, events);
    }

    /** Changes which events are reported; those that are pending are reported again. */
    public void change(UnixSocket socket, long token, int events) throws IOException {
        control(EpollCalls.CHANGE, socket.number(), token, events);
    }

    /** Stops reporting events of a socket. */
    public void remove(UnixSocket socket) throws IOException {
        control(EpollCalls.REMOVE, socket.number(), 0, 0);
    }

    /** Wakes one of the waiting threads. */
    public void ring() throws IOException {
        CLibrary.checked(
                CLibrary.call("eventfd_write", state -> (int) EVENTFD_WRITE.invokeExact(state, bell.number(), 1L)),
                bell.name());
    }

    private void control(int operation, int number, long token, int events) throws IOException {
        CLibrary.checked(
                EpollCalls.control(descriptor, operation, number, events | PEER_SHUT_DOWN | EDGE_TRIGGERED, token),
                descriptor.name());
    }

    /** Nobody may wait any more. */
    @Override
    public void close() {
        bell.close();
        descriptor.close();
    }
}
