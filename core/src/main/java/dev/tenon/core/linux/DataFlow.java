package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;

/**
 * Moves bytes between descriptors, inside the kernel where that can be. It belongs to the thread that made it, and that
 * should be a platform thread: the calls wait in the kernel, and hold the carrier of a virtual thread meanwhile.
 *
 * <p>The flags of the descriptors are never changed: they belong to other processes, too. So before a descriptor that may
 * keep one waiting is used, {@link #await} tells whether it is ready. Every failure is an exception of the JDK with the
 * name of the descriptor and the error's text; {@link PeerClosedException} if nobody reads any more.
 */
public final class DataFlow implements AutoCloseable {
    /** What {@link #splice} and {@link #send} return if nothing can be moved without waiting. */
    public static final long NOT_READY = -1;

    /** What a pipe holds at most, if its user may. */
    private static final int LARGEST_PIPE = 1 << 20;

    private static final int F_GETFL = 3;
    private static final int F_SETPIPE_SZ = 1031;
    private static final int SEEK_CUR = 1;
    private static final short POLLIN = 1;
    private static final short POLLOUT = 4;
    private static final int SPLICE_F_NONBLOCK = 2;
    private static final int SHUT_RDWR = 2;
    private static final int PAGE = 4096;
    private static final int POLL_BYTES = 8;
    private static final int POLL_EVENTS_OFFSET = 4;

    private static final MethodHandle POLL = CLibrary.functionWithErrno(
            "poll",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
    private static final MethodHandle SPLICE = CLibrary.functionWithErrno(
            "splice",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT));
    private static final MethodHandle SENDFILE = CLibrary.functionWithErrno(
            "sendfile",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG));
    private static final MethodHandle READ = CLibrary.functionWithErrno(
            "read",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    private static final MethodHandle WRITE = CLibrary.functionWithErrno(
            "write",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    private static final MethodHandle PWRITE = CLibrary.functionWithErrno(
            "pwrite",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG));
    private static final MethodHandle PREAD = CLibrary.functionWithErrno(
            "pread",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG));
    private static final MethodHandle LSEEK = CLibrary.functionWithErrno(
            "lseek",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
    private static final MethodHandle FTRUNCATE = CLibrary.functionWithErrno(
            "ftruncate", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
    private static final MethodHandle FCNTL = CLibrary.variadicWithErrno(
            "fcntl",
            2,
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle SHUTDOWN = CLibrary.functionWithErrno(
            "shutdown", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment callState = CLibrary.callState(arena);
    private final MemorySegment offset = arena.allocate(ValueLayout.JAVA_LONG);
    private final MemorySegment polled = arena.allocate(POLL_BYTES, Integer.BYTES);

    /** What a descriptor is waited for. */
    public enum Ready {
        READ,
        WRITE
    }

    /** Memory outside the heap, which is given back when this is closed. */
    public ByteBuffer buffer(int bytes) {
        return arena.allocate(bytes, PAGE).asByteBuffer();
    }

    /**
     * Waits until a read or write would not wait, or would fail.
     *
     * @param millis how long, at most
     * @return whether it is so
     */
    public boolean await(Descriptor descriptor, Ready ready, int millis) throws IOException {
        polled.set(ValueLayout.JAVA_INT, 0, descriptor.number());
        polled.set(ValueLayout.JAVA_INT, POLL_EVENTS_OFFSET, ready == Ready.READ ? POLLIN : POLLOUT);
        int result;
        try {
            result = (int) POLL.invokeExact(callState, polled, 1L, millis);
        } catch (Throwable e) {
            throw CLibrary.unexpected("poll", e);
        }
        if (result < 0 && CLibrary.errno(callState) != Errno.EINTR) {
            throw failure(descriptor);
        }
        return result > 0;
    }

    /**
     * Sends a part of a file to a pipe, socket, file or block device, at its current position. A hole is sent as zeroes.
     *
     * @return how many bytes were sent, 0 if the file ends before the offset, {@link #NOT_READY} only for a pipe
     */
    public long send(SparseFile source, long from, Descriptor sink, Descriptor.Kind kind, long length)
            throws IOException {
        offset.set(ValueLayout.JAVA_LONG, 0, from);
        long result;
        try {
            result = kind == Descriptor.Kind.PIPE
                    ? (long) SPLICE.invokeExact(
                            callState,
                            source.number(),
                            offset,
                            sink.number(),
                            MemorySegment.NULL,
                            length,
                            SPLICE_F_NONBLOCK)
                    : (long) SENDFILE.invokeExact(callState, sink.number(), source.number(), offset, length);
        } catch (Throwable e) {
            throw CLibrary.unexpected("splice", e);
        }
        return moved(result, sink);
    }

    /**
     * Moves what is there from one descriptor to another, one of which is a pipe.
     *
     * @return how many bytes were moved, 0 at the end of the source, {@link #NOT_READY} if one of them is not ready
     */
    public long splice(Descriptor source, Descriptor sink, long length) throws IOException {
        long result;
        try {
            result = (long) SPLICE.invokeExact(
                    callState,
                    source.number(),
                    MemorySegment.NULL,
                    sink.number(),
                    MemorySegment.NULL,
                    length,
                    SPLICE_F_NONBLOCK);
        } catch (Throwable e) {
            throw CLibrary.unexpected("splice", e);
        }
        return moved(result, sink);
    }

    private long moved(long result, Descriptor sink) throws IOException {
        if (result >= 0) {
            return result;
        }
        int errno = CLibrary.errno(callState);
        if (errno == Errno.EAGAIN || errno == Errno.EINTR) {
            return NOT_READY;
        }
        throw Errno.toException(errno, sink.name(), null);
    }

    /**
     * Reads what is there into the rest of a direct buffer.
     *
     * @return how many bytes, 0 at the end, {@link #NOT_READY} after a signal
     */
    public int read(Descriptor source, ByteBuffer buffer) throws IOException {
        long result;
        try {
            result = (long) READ.invokeExact(
                    callState, source.number(), MemorySegment.ofBuffer(buffer), (long) buffer.remaining());
        } catch (Throwable e) {
            throw CLibrary.unexpected("read", e);
        }
        int read = (int) moved(result, source);
        if (read > 0) {
            buffer.position(buffer.position() + read);
        }
        return read;
    }

    /**
     * Writes from a direct buffer what can be written now.
     *
     * @return how many bytes, {@link #NOT_READY} after a signal
     */
    public int write(ByteBuffer buffer, Descriptor sink) throws IOException {
        long result;
        try {
            result = (long) WRITE.invokeExact(
                    callState, sink.number(), MemorySegment.ofBuffer(buffer), (long) buffer.remaining());
        } catch (Throwable e) {
            throw CLibrary.unexpected("write", e);
        }
        int written = (int) moved(result, sink);
        if (written > 0) {
            buffer.position(buffer.position() + written);
        }
        return written;
    }

    /** Writes all that is left of a direct buffer into a file or block device, from this offset on. */
    public void write(ByteBuffer buffer, SparseFile sink, long to) throws IOException {
        long at = to;
        while (buffer.hasRemaining()) {
            long result;
            try {
                result = (long) PWRITE.invokeExact(
                        callState, sink.number(), MemorySegment.ofBuffer(buffer), (long) buffer.remaining(), at);
            } catch (Throwable e) {
                throw CLibrary.unexpected("pwrite", e);
            }
            if (result < 0 && CLibrary.errno(callState) != Errno.EINTR) {
                throw Errno.toException(CLibrary.errno(callState), sink.name(), null);
            }
            buffer.position(buffer.position() + (int) Math.max(result, 0));
            at += Math.max(result, 0);
        }
    }

    /**
     * Reads a part of a file or block device into the rest of a direct buffer.
     *
     * @return how many bytes, 0 at the end
     */
    public int read(SparseFile source, ByteBuffer buffer, long from) throws IOException {
        long result;
        do {
            try {
                result = (long) PREAD.invokeExact(
                        callState, source.number(), MemorySegment.ofBuffer(buffer), (long) buffer.remaining(), from);
            } catch (Throwable e) {
                throw CLibrary.unexpected("pread", e);
            }
        } while (result < 0 && CLibrary.errno(callState) == Errno.EINTR);
        if (result < 0) {
            throw Errno.toException(CLibrary.errno(callState), source.name(), null);
        }
        buffer.position(buffer.position() + (int) result);
        return (int) result;
    }

    /**
     * Whether what comes next in a file may be left out, since the file ends at its position and nobody else appends.
     *
     * @see #skip
     */
    public boolean canSkip(Descriptor file) throws IOException {
        return file.kind() == Descriptor.Kind.FILE
                && !isAppending(file)
                && seek(file, 0, SEEK_CUR) >= FileStatus.of(file).size();
    }

    /** Whether all that is written goes to the end of the file, wherever that is. */
    public boolean isAppending(Descriptor file) throws IOException {
        int flags;
        try {
            flags = (int) FCNTL.invokeExact(callState, file.number(), F_GETFL, 0);
        } catch (Throwable e) {
            throw CLibrary.unexpected("fcntl", e);
        }
        if (flags < 0) {
            throw failure(file);
        }
        return (flags & Descriptor.APPEND) != 0;
    }

    /** Moves the position of a file ahead, where the file becomes longer by a hole. */
    public void skip(Descriptor file, long length) throws IOException {
        long end = seek(file, length, SEEK_CUR);
        int result;
        try {
            result = (int) FTRUNCATE.invokeExact(callState, file.number(), end);
        } catch (Throwable e) {
            throw CLibrary.unexpected("ftruncate", e);
        }
        if (result < 0) {
            throw failure(file);
        }
    }

    private long seek(Descriptor file, long distance, int whence) throws IOException {
        long result;
        try {
            result = (long) LSEEK.invokeExact(callState, file.number(), distance, whence);
        } catch (Throwable e) {
            throw CLibrary.unexpected("lseek", e);
        }
        if (result < 0) {
            throw failure(file);
        }
        return result;
    }

    /** Lets a pipe hold as much as its user may; one that cannot grow, or is no pipe, stays as it is. */
    public void enlarge(Descriptor pipe) {
        try {
            int ignored = (int) FCNTL.invokeExact(callState, pipe.number(), F_SETPIPE_SZ, LARGEST_PIPE);
        } catch (Throwable e) {
            throw CLibrary.unexpected("fcntl", e);
        }
    }

    /** Ends a socket's connection for everybody who has it open, so that who waits in the kernel for its peer returns. */
    public static void disconnect(Descriptor socket) {
        try (Arena arena = Arena.ofConfined()) {
            int ignored = (int) SHUTDOWN.invokeExact(CLibrary.callState(arena), socket.number(), SHUT_RDWR);
        } catch (Throwable e) {
            throw CLibrary.unexpected("shutdown", e);
        }
    }

    private IOException failure(Descriptor descriptor) {
        return Errno.toException(CLibrary.errno(callState), descriptor.name(), null);
    }

    @Override
    public void close() {
        arena.close();
    }
}
