package dev.tenon.core.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** Tells by one look whether a path goes through a symbolic link. */
public final class LinklessPath {
    /** The same on all architectures; the C library of Debian 12 has no function for it. */
    private static final long OPENAT2 = 437;

    private static final long AT_FDCWD = -100;
    private static final long PATH_ONLY_CLOSE_ON_EXEC = 0x280000;
    private static final long RESOLVE_NO_SYMLINKS = 4;
    private static final long HOW_BYTES = 3L * Long.BYTES;

    private static final MethodHandle SYSCALL = CLibrary.variadicWithErrno(
            "syscall",
            1,
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG));

    private LinklessPath() {}

    /**
     * Whether something is there, and neither it nor a directory above it is a symbolic link. If not, or where this cannot
     * be told, the answer is no.
     */
    public static boolean is(Path absolute) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = CLibrary.pathName(arena, absolute);
            MemorySegment how = arena.allocate(HOW_BYTES, Long.BYTES);
            how.set(ValueLayout.JAVA_LONG, 0, PATH_ONLY_CLOSE_ON_EXEC);
            how.set(ValueLayout.JAVA_LONG, 2L * Long.BYTES, RESOLVE_NO_SYMLINKS);
            long number = CLibrary.call(
                    "openat2", state -> (long) SYSCALL.invokeExact(state, OPENAT2, AT_FDCWD, path, how, HOW_BYTES));
            if (number < 0) {
                return false;
            }
            Descriptor.of((int) number, "a path").close();
            return true;
        }
    }
}
