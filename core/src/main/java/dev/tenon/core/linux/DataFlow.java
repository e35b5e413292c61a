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
    private static final int PAGE = 4096;

    /** How often to look at a peer that is about to move before sleeping: sleeping and being woken takes longer. */
    private static final int LOOKS = 50;

    private static final int FIRST_BYTES = 64;
    private static final int POLL_BYTES = 8;
    private static final int POLL_EVENTS_OFFSET = 4;

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

    private static final MethodHandle MEMCMP = CLibrary.briefFunction(
            "memcmp",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment callState = CLibrary.callState(arena);
    private final MemorySegment offset = arena.allocate(ValueLayout.JAVA_LONG);
    private final MemorySegment polled = arena.allocate(POLL_BYTES, Integer.BYTES);

    /** What to wait for. */
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
     * @return whether it is ready
     */
    public boolean await(Descriptor descriptor, Ready ready, int millis) throws IOException {
        polled.set(ValueLayout.JAVA_INT, 0, descriptor.number());
        polled.set(ValueLayout.JAVA_INT, POLL_EVENTS_OFFSET, ready == Ready.READ ? POLLIN : POLLOUT);
        long result = 0;
        for (int i = 0; i < LOOKS && result == 0; i++) {
            result = poll(0);
        }
        if (result == 0) {
            result = poll(millis);
        }
        return result != -Errno.EINTR && CLibrary.checked(result, descriptor.name()) > 0;
    }

    private long poll(int millis) {
        return call("poll", state -> (int) SharedCalls.POLL.invokeExact(state, polled, 1L, millis));
    }

    /**
     * Sends a part of a file to a pipe, socket, file or block device, at its current position. A hole is sent as zeroes.
     *
     * @return how many bytes were sent, 0 if the file ends before the offset, {@link #NOT_READY} only for a pipe
     */
    public long send(SparseFile source, long from, Descriptor sink, Descriptor.Kind kind, long length)
            throws IOException {
        offset.set(ValueLayout.JAVA_LONG, 0, from);
        return kind == Descriptor.Kind.PIPE
                ? splice(source.number(), offset, sink, length)
                : moved(
                        call("sendfile", state -> (long) SharedCalls.SENDFILE.invokeExact(
                                state, sink.number(), source.number(), offset, length)),
                        sink.name());
    }

    /**
     * Moves what is there from one descriptor to another, one of which is a pipe.
     *
     * @return how many bytes were moved, 0 at the end of the source, {@link #NOT_READY} if one of them is not ready
     */
    public long splice(Descriptor source, Descriptor sink, long length) throws IOException {
        return splice(source.number(), MemorySegment.NULL, sink, length);
    }

    private long splice(int source, MemorySegment from, Descriptor sink, long length) throws IOException {
        return moved(
                call("splice", state -> (long) SPLICE.invokeExact(
                        state, source, from, sink.number(), MemorySegment.NULL, length, SPLICE_F_NONBLOCK)),
                sink.name());
    }

    private long call(String function, CLibrary.Call call) {
        return CLibrary.call(callState, function, call);
    }

    private static long moved(long result, String name) throws IOException {
        return result == -Errno.EAGAIN || result == -Errno.EINTR ? NOT_READY : CLibrary.checked(result, name);
    }

    /** Goes ahead in a buffer by what was moved, if anything was. */
    private static int advance(ByteBuffer buffer, long moved) {
        buffer.position(buffer.position() + (int) Math.max(moved, 0));
        return (int) moved;
    }

    /**
     * Reads what is there into the rest of a direct buffer.
     *
     * @return how many bytes, 0 at the end, {@link #NOT_READY} after a signal
     */
    public int read(Descriptor source, ByteBuffer buffer) throws IOException {
        MemorySegment rest = MemorySegment.ofBuffer(buffer);
        long result = call(
                "read", state -> (long) SharedCalls.READ.invokeExact(state, source.number(), rest, rest.byteSize()));
        return advance(buffer, moved(result, source.name()));
    }

    /**
     * Writes from a direct buffer what can be written now.
     *
     * @return how many bytes, {@link #NOT_READY} after a signal
     */
    public int write(ByteBuffer buffer, Descriptor sink) throws IOException {
        MemorySegment rest = MemorySegment.ofBuffer(buffer);
        long result = call("write", state -> (long) WRITE.invokeExact(state, sink.number(), rest, rest.byteSize()));
        return advance(buffer, moved(result, sink.name()));
    }

    /** Writes all that is left of a direct buffer into a file or block device, from this offset on. */
    public void write(ByteBuffer buffer, SparseFile sink, long to) throws IOException {
        int begin = buffer.position();
        while (buffer.hasRemaining()) {
            MemorySegment rest = MemorySegment.ofBuffer(buffer);
            long at = to + buffer.position() - begin;
            long result = CLibrary.callAgain(
                    "pwrite", state -> (long) PWRITE.invokeExact(state, sink.number(), rest, rest.byteSize(), at));
            advance(buffer, CLibrary.checked(result, sink.name()));
        }
    }

    /**
     * Reads a part of a file or block device into the rest of a direct buffer.
     *
     * @return how many bytes, 0 at the end
     */
    public int read(SparseFile source, ByteBuffer buffer, long from) throws IOException {
        MemorySegment rest = MemorySegment.ofBuffer(buffer);
        long result = CLibrary.callAgain(
                "pread", state -> (long) PREAD.invokeExact(state, source.number(), rest, rest.byteSize(), from));
        return advance(buffer, CLibrary.checked(result, source.name()));
    }

    /**
     * Whether the rest of a direct buffer is zero; one that is empty is. The C library's comparison takes less than half
     * of the JDK's time, and needs no compiler that is warm.
     */
    public static boolean isZero(ByteBuffer buffer) {
        MemorySegment bytes = MemorySegment.ofBuffer(buffer);
        long first = Math.min(bytes.byteSize(), FIRST_BYTES);
        for (long i = 0; i < first; i++) {
            if (bytes.get(ValueLayout.JAVA_BYTE, i) != 0) {
                return false;
            }
        }
        // If the first are zero, and each is as the one so many before it, all are: nothing else need be read.
        return isSame(bytes.asSlice(first), bytes, bytes.byteSize() - first);
    }

    private static boolean isSame(MemorySegment one, MemorySegment other, long length) {
        try {
            return (int) MEMCMP.invokeExact(one, other, length) == 0;
        } catch (Throwable e) {
            throw CLibrary.unexpected("memcmp", e);
        }
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
        return (CLibrary.checked(control(file, F_GETFL, 0), file.name()) & Descriptor.APPEND) != 0;
    }

    private long control(Descriptor file, int operation, int argument) {
        return call("fcntl", state -> (int) SharedCalls.FCNTL.invokeExact(state, file.number(), operation, argument));
    }

    /** Moves the position of a file ahead, where the file becomes longer by a hole. */
    public void skip(Descriptor file, long length) throws IOException {
        long end = seek(file, length, SEEK_CUR);
        CLibrary.checked(
                call("ftruncate", state -> (int) SharedCalls.FTRUNCATE.invokeExact(state, file.number(), end)),
                file.name());
    }

    private long seek(Descriptor file, long distance, int whence) throws IOException {
        return CLibrary.checked(
                call("lseek", state -> (long) SharedCalls.LSEEK.invokeExact(state, file.number(), distance, whence)),
                file.name());
    }

    /** Lets a pipe hold as much as its user may; one that cannot grow, or is no pipe, stays as it is. */
    public void enlarge(Descriptor pipe) {
        control(pipe, F_SETPIPE_SZ, LARGEST_PIPE);
    }

    @Override
    public void close() {
        arena.close();
    }
}
