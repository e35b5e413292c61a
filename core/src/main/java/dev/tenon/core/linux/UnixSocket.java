package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A stream socket at a path, for what the JDK's own cannot do: sending open descriptors and receiving them, marked
 * close-on-exec from the first moment, telling who the peer is, and surviving that a thread which uses it is interrupted.
 * The calls that wait hold their thread in the kernel, so it should be a platform thread; {@link #shutdown} from another
 * one wakes it. Those with {@code Now} in their name do not wait.
 */
public final class UnixSocket implements AutoCloseable {
    /** What the kernel's address of a Unix socket holds, without its final zero. */
    public static final int LONGEST_PATH = 107;

    /** More descriptors than these in one message are closed by the kernel. */
    public static final int MOST_DESCRIPTORS = 8;

    /** No bytes can be moved without waiting. */
    public static final int NOTHING_NOW = -1;

    private static final int SOCK_STREAM = 1;
    private static final int SOL_SOCKET = 1;
    private static final int SO_TYPE = 3;
    private static final int SO_PEERCRED = 17;
    private static final int SO_ACCEPTCONN = 30;
    private static final int SO_DOMAIN = 39;
    private static final int F_SETFD = 2;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int O_NONBLOCK = 04000;
    private static final int FD_CLOEXEC = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_CTRUNC = 8;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final short POLLIN = 1;

    private static final int ADDRESS_BYTES = 2 + LONGEST_PATH + 1;
    private static final int ADDRESS_PATH_OFFSET = 2;
    private static final int POLL_BYTES = 8;
    private static final int POLL_EVENTS_OFFSET = 4;
    private static final int CREDENTIALS_BYTES = 12;
    private static final int CREDENTIALS_UID_OFFSET = 4;

    /** Of {@code struct msghdr} and {@code struct cmsghdr} where a pointer has eight bytes. */
    private static final int HEADER_BYTES = 56;

    private static final int HEADER_VECTOR_OFFSET = 16;
    private static final int HEADER_VECTORS_OFFSET = 24;
    private static final int HEADER_CONTROL_OFFSET = 32;
    private static final int HEADER_CONTROL_BYTES_OFFSET = 40;
    private static final int HEADER_FLAGS_OFFSET = 48;
    private static final int CONTROL_LEVEL_OFFSET = 8;
    private static final int CONTROL_TYPE_OFFSET = 12;
    private static final int CONTROL_DATA_OFFSET = 16;

    private static final MethodHandle BIND = CLibrary.functionWithErrno(
            "bind",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final MethodHandle CONNECT = CLibrary.functionWithErrno(
            "connect",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final MethodHandle LISTEN = CLibrary.functionWithErrno(
            "listen", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle ACCEPT = CLibrary.functionWithErrno(
            "accept4",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT));
    private static final MethodHandle GETSOCKOPT = CLibrary.functionWithErrno(
            "getsockopt",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS));
    private static final MethodHandle GETSOCKNAME = CLibrary.functionWithErrno(
            "getsockname",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    private static final MethodHandle RECV = bytes("recv");
    private static final MethodHandle SEND = bytes("send");
    private static final MethodHandle SENDMSG = message("sendmsg");
    private static final MethodHandle RECVMSG = message("recvmsg");

    private final Descriptor descriptor;

    /** The process at the other end, as the kernel told when the connection was made. */
    public record Peer(int pid, int uid) {}

    /** What came; its descriptors are the receiver's to close. */
    public static final class Message implements AutoCloseable {
        private final byte[] bytes;
        private final List<Descriptor> descriptors;
        private final boolean isCut;

        private Message(byte[] bytes, List<Descriptor> descriptors, boolean isCut) {
            this.bytes = bytes;
            this.descriptors = descriptors;
            this.isCut = isCut;
        }

        /** None if the peer has ended the connection. */
        public byte[] bytes() {
            return bytes.clone();
        }

        public List<Descriptor> descriptors() {
            return descriptors;
        }

        /** Whether more descriptors had come than there was room for; those are closed. */
        public boolean isCut() {
            return isCut;
        }

        /** Closes the descriptors. */
        @Override
        public void close() {
            descriptors.forEach(Descriptor::close);
        }
    }

    private UnixSocket(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /** The number, which means something until this is closed. */
    public int number() {
        return descriptor.number();
    }

    private static MethodHandle bytes(String function) {
        return CLibrary.functionWithErrno(
                function,
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT));
    }

    private static MethodHandle message(String function) {
        return CLibrary.functionWithErrno(
                function,
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    }

    /**
     * Makes a socket file, with the mode that the umask leaves, and listens.
     *
     * @param path at most {@link #LONGEST_PATH} bytes, and nothing is there
     * @param backlog how many may wait to be accepted
     */
    public static UnixSocket listen(Path path, int backlog) throws IOException {
        UnixSocket socket = open(path);
        try {
            socket.address("bind", BIND, path);
            socket.checked(CLibrary.callAgain(
                    "listen", state -> (int) LISTEN.invokeExact(state, socket.descriptor.number(), backlog)));
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Takes over a listening socket that this process was started with. No process that it starts inherits it any more.
     *
     * @param number of the descriptor, which nobody else in this process uses
     * @throws IOException if it is not a Unix stream socket that listens; it stays open then
     */
    public static UnixSocket inherited(int number) throws IOException {
        UnixSocket socket = listening(Descriptor.of(number, "the inherited descriptor " + number));
        socket.checked(CLibrary.call(
                "fcntl", state -> (int) SharedCalls.FCNTL.invokeExact(state, number, F_SETFD, FD_CLOEXEC)));
        return socket;
    }

    /**
     * Takes over a socket that another process listens on, too, and has sent here.
     *
     * @throws IOException if it is not a Unix stream socket that listens; it stays open then
     */
    public static UnixSocket listening(Descriptor descriptor) throws IOException {
        UnixSocket socket = new UnixSocket(descriptor);
        if (socket.option(SO_DOMAIN) != SharedCalls.AF_UNIX
                || socket.option(SO_TYPE) != SOCK_STREAM
                || socket.option(SO_ACCEPTCONN) != 1) {
            throw new IOException(descriptor.name() + " is no Unix stream socket that listens");
        }
        return socket;
    }

    /**
     * From now on {@link #accept} does not wait, here and in every process that has this socket. One that listens in two
     * processes needs it: the other may be faster.
     */
    public void acceptNow() throws IOException {
        int flags = (int) control(F_GETFL, 0);
        control(F_SETFL, flags | O_NONBLOCK);
    }

    private long control(int command, int argument) throws IOException {
        return checked(CLibrary.call(
                "fcntl", state -> (int) SharedCalls.FCNTL.invokeExact(state, descriptor.number(), command, argument)));
    }

    private int option(int option) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
            MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, Integer.BYTES);
            checked(CLibrary.call("getsockopt", state ->
                    (int) GETSOCKOPT.invokeExact(state, descriptor.number(), SOL_SOCKET, option, value, length)));
            return value.get(ValueLayout.JAVA_INT, 0);
        }
    }

    /** Where it was bound; empty for a socket without a path. */
    public Optional<Path> path() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(ADDRESS_BYTES + 1L, Short.BYTES);
            MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, ADDRESS_BYTES);
            checked(CLibrary.call("getsockname", state ->
                    (int) GETSOCKNAME.invokeExact(state, descriptor.number(), address, length)));
            String path = CLibrary.text(address.asSlice(ADDRESS_PATH_OFFSET));
            return path.isEmpty() ? Optional.empty() : Optional.of(Path.of(path));
        }
    }

    /** Connects to whoever listens at the path. */
    public static UnixSocket connect(Path path) throws IOException {
        UnixSocket socket = open(path);
        try {
            socket.address("connect", CONNECT, path);
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private static UnixSocket open(Path path) throws IOException {
        String name = "the socket '" + path + "'";
        long number = CLibrary.call("socket", state -> (int)
                SharedCalls.SOCKET.invokeExact(state, SharedCalls.AF_UNIX, SOCK_STREAM | SharedCalls.SOCK_CLOEXEC, 0));
        return new UnixSocket(Descriptor.of((int) CLibrary.checked(number, name), name));
    }

    private void address(String function, MethodHandle handle, Path path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = CLibrary.pathName(arena, path);
            if (name.byteSize() > LONGEST_PATH + 1) {
                throw new IOException("the socket path '" + path + "' is longer than " + LONGEST_PATH + " bytes");
            }
            MemorySegment address = arena.allocate(ADDRESS_BYTES, Short.BYTES);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) SharedCalls.AF_UNIX);
            MemorySegment.copy(name, 0, address, ADDRESS_PATH_OFFSET, name.byteSize());
            checked(CLibrary.callAgain(
                    function, state -> (int) handle.invokeExact(state, descriptor.number(), address, ADDRESS_BYTES)));
        }
    }

    /** Waits for the next connection; absent once this socket was shut down, and after {@link #acceptNow} if there is none. */
    public Optional<UnixSocket> accept() throws IOException {
        long result = CLibrary.callAgain("accept4", state -> (int) ACCEPT.invokeExact(
                state, descriptor.number(), MemorySegment.NULL, MemorySegment.NULL, SharedCalls.SOCK_CLOEXEC));
        if (result == -Errno.EINVAL || result == -Errno.EAGAIN) {
            return Optional.empty();
        }
        return Optional.of(
                new UnixSocket(Descriptor.of((int) checked(result), "a connection of " + descriptor.name())));
    }

    /** Who is at the other end. */
    public Peer peer() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(CREDENTIALS_BYTES, Integer.BYTES);
            MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, CREDENTIALS_BYTES);
            checked(CLibrary.callAgain("getsockopt", state -> (int)
                    GETSOCKOPT.invokeExact(state, descriptor.number(), SOL_SOCKET, SO_PEERCRED, credentials, length)));
            return new Peer(
                    credentials.get(ValueLayout.JAVA_INT, 0),
                    credentials.get(ValueLayout.JAVA_INT, CREDENTIALS_UID_OFFSET));
        }
    }

    /** Waits until something can be received, or the peer has ended the connection; false if neither came in time. */
    public boolean await(Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = arena.allocate(POLL_BYTES, Integer.BYTES);
            while (true) {
                entry.set(ValueLayout.JAVA_INT, 0, descriptor.number());
                entry.set(ValueLayout.JAVA_SHORT, POLL_EVENTS_OFFSET, POLLIN);
                long left = Math.max(0, deadline - System.nanoTime());
                int millis =
                        (int) Math.min(Integer.MAX_VALUE, Duration.ofNanos(left).toMillis() + 1);
                long ready =
                        CLibrary.call("poll", state -> (int) SharedCalls.POLL.invokeExact(state, entry, 1L, millis));
                if (ready == 0) {
                    return false;
                }
                if (ready != -Errno.EINTR) {
                    return checked(ready) > 0;
                }
            }
        }
    }

    /**
     * Receives what has come, or waits for it.
     *
     * @param most bytes, at least 1
     */
    public Message receive(int most) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(most);
            long room = aligned(CONTROL_DATA_OFFSET + (long) MOST_DESCRIPTORS * Integer.BYTES);
            MemorySegment control = arena.allocate(room, Long.BYTES);
            MemorySegment header = header(arena, bytes, control);
            long received = checked(CLibrary.callAgain("recvmsg", state ->
                    (long) RECVMSG.invokeExact(state, descriptor.number(), header, MSG_CMSG_CLOEXEC)));
            List<Descriptor> descriptors =
                    descriptors(control.asSlice(0, header.get(ValueLayout.JAVA_LONG, HEADER_CONTROL_BYTES_OFFSET)));
            boolean isCut = (header.get(ValueLayout.JAVA_INT, HEADER_FLAGS_OFFSET) & MSG_CTRUNC) != 0;
            return new Message(bytes.asSlice(0, received).toArray(ValueLayout.JAVA_BYTE), descriptors, isCut);
        }
    }

    /**
     * Receives what has come, without waiting.
     *
     * @return how many bytes, fewer than the buffer holds if there are no more now; 0 if the peer has ended the
     *     connection; {@link #NOTHING_NOW}
     */
    public int receiveNow(SocketBuffer buffer) throws IOException {
        return now("recv", buffer, state -> (long)
                RECV.invokeExact(state, descriptor.number(), buffer.bytes, buffer.bytes.byteSize(), MSG_DONTWAIT));
    }

    /**
     * Sends what there is room for, without waiting.
     *
     * @return how many bytes, at most as many as the buffer holds; {@link #NOTHING_NOW}
     */
    public int sendNow(byte[] bytes, int offset, int length, SocketBuffer buffer) throws IOException {
        long count = Math.min(length, buffer.bytes.byteSize());
        MemorySegment.copy(bytes, offset, buffer.bytes, ValueLayout.JAVA_BYTE, 0, (int) count);
        return now("send", buffer, state ->
                (long) SEND.invokeExact(state, descriptor.number(), buffer.bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL));
    }

    private int now(String function, SocketBuffer buffer, CLibrary.Call call) throws IOException {
        long result;
        do {
            result = CLibrary.call(buffer.callState, function, call);
        } while (result == -Errno.EINTR);
        return result == -Errno.EAGAIN ? NOTHING_NOW : (int) checked(result);
    }

    private List<Descriptor> descriptors(MemorySegment control) {
        List<Descriptor> descriptors = new ArrayList<>();
        long offset = 0;
        while (offset + CONTROL_DATA_OFFSET <= control.byteSize()) {
            long length = control.get(ValueLayout.JAVA_LONG, offset);
            if (length < CONTROL_DATA_OFFSET || offset + length > control.byteSize()) {
                break;
            }
            if (control.get(ValueLayout.JAVA_INT, offset + CONTROL_LEVEL_OFFSET) == SOL_SOCKET
                    && control.get(ValueLayout.JAVA_INT, offset + CONTROL_TYPE_OFFSET) == SCM_RIGHTS) {
                for (long at = CONTROL_DATA_OFFSET; at + Integer.BYTES <= length; at += Integer.BYTES) {
                    descriptors.add(Descriptor.of(
                            control.get(ValueLayout.JAVA_INT, offset + at),
                            "a descriptor that came over " + descriptor.name()));
                }
            }
            offset += aligned(length);
        }
        return descriptors;
    }

    /**
     * Sends all the bytes, and with the first of them descriptors, which stay open here.
     *
     * @param bytes at least one
     * @param passed numbers of open descriptors
     */
    public void send(byte[] bytes, int... passed) throws IOException {
        int sent = 0;
        while (sent < bytes.length) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment rest = arena.allocate(bytes.length - sent);
                MemorySegment.copy(bytes, sent, rest, ValueLayout.JAVA_BYTE, 0, bytes.length - sent);
                boolean isPassing = sent == 0 && passed.length > 0;
                MemorySegment header = header(arena, rest, isPassing ? rights(arena, passed) : MemorySegment.NULL);
                sent += (int) checked(CLibrary.callAgain("sendmsg", state ->
                        (long) SENDMSG.invokeExact(state, descriptor.number(), header, MSG_NOSIGNAL)));
            }
        }
    }

    private static MemorySegment rights(Arena arena, int... passed) {
        long length = CONTROL_DATA_OFFSET + (long) passed.length * Integer.BYTES;
        MemorySegment control = arena.allocate(aligned(length), Long.BYTES);
        control.set(ValueLayout.JAVA_LONG, 0, length);
        control.set(ValueLayout.JAVA_INT, CONTROL_LEVEL_OFFSET, SOL_SOCKET);
        control.set(ValueLayout.JAVA_INT, CONTROL_TYPE_OFFSET, SCM_RIGHTS);
        MemorySegment.copy(passed, 0, control, ValueLayout.JAVA_INT, CONTROL_DATA_OFFSET, passed.length);
        return control;
    }

    private static MemorySegment header(Arena arena, MemorySegment bytes, MemorySegment control) {
        MemorySegment vector = arena.allocate(2L * Long.BYTES, Long.BYTES);
        vector.set(ValueLayout.ADDRESS, 0, bytes);
        vector.set(ValueLayout.JAVA_LONG, Long.BYTES, bytes.byteSize());
        MemorySegment header = arena.allocate(HEADER_BYTES, Long.BYTES);
        header.set(ValueLayout.ADDRESS, HEADER_VECTOR_OFFSET, vector);
        header.set(ValueLayout.JAVA_LONG, HEADER_VECTORS_OFFSET, 1);
        header.set(ValueLayout.ADDRESS, HEADER_CONTROL_OFFSET, control);
        header.set(ValueLayout.JAVA_LONG, HEADER_CONTROL_BYTES_OFFSET, control.byteSize());
        return header;
    }

    private static long aligned(long length) {
        return (length + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
    }

    /** Ends the connection, or the listening, for both sides; whoever waits in a call of this socket is woken. */
    public void shutdown() {
        if (descriptor.isOpen()) {
            descriptor.disconnect();
        }
    }

    @Override
    public void close() {
        descriptor.close();
    }

    private long checked(long result) throws IOException {
        return CLibrary.checked(result, descriptor.name());
    }
}
