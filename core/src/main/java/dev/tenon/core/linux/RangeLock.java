package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Locks of single bytes of an open file, which belong to that opening of it: the kind that QEMU takes. The JDK's locks of
 * bytes belong to the process, and end when any of its openings of the file is closed.
 */
public final class RangeLock {
    private static final int F_OFD_GETLK = 36;
    private static final int F_OFD_SETLK = 37;
    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;

    /** {@code struct flock} of all 64-bit machines. */
    private static final MemoryLayout LAYOUT = MemoryLayout.structLayout(
            ValueLayout.JAVA_SHORT,
            ValueLayout.JAVA_SHORT,
            MemoryLayout.paddingLayout(4),
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            MemoryLayout.paddingLayout(4));

    private static final int START = 8;
    private static final int LENGTH = 16;

    private static final MethodHandle FCNTL = CLibrary.variadicWithErrno(
            "fcntl",
            2,
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));

    private RangeLock() {}

    /**
     * Takes a shared lock of one byte, until the file is closed.
     *
     * @return false if somebody has an exclusive one
     */
    public static boolean tryShared(SparseFile file, long at) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment lock = lock(arena, F_RDLCK, at);
            int result = (int)
                    CLibrary.call("fcntl", state -> (int) FCNTL.invokeExact(state, file.number(), F_OFD_SETLK, lock));
            if (result == -Errno.EAGAIN || result == -Errno.EACCES) {
                return false;
            }
            CLibrary.checked(result, file.name());
            return true;
        }
    }

    /** Whether somebody else has a lock of this byte, shared or not. */
    public static boolean isHeldByOthers(SparseFile file, long at) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment lock = lock(arena, F_WRLCK, at);
            CLibrary.checked(
                    CLibrary.call("fcntl", state -> (int) FCNTL.invokeExact(state, file.number(), F_OFD_GETLK, lock)),
                    file.name());
            return lock.get(ValueLayout.JAVA_SHORT, 0) != F_UNLCK;
        }
    }

    private static MemorySegment lock(Arena arena, short type, long at) {
        MemorySegment lock = arena.allocate(LAYOUT);
        lock.set(ValueLayout.JAVA_SHORT, 0, type);
        lock.set(ValueLayout.JAVA_LONG, START, at);
        lock.set(ValueLayout.JAVA_LONG, LENGTH, 1);
        return lock;
    }
}
