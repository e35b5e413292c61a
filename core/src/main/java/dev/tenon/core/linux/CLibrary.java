package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.Charset;
import java.nio.file.Path;

/** Looks up functions of the C library, and turns paths and errno into what they take and give. */
final class CLibrary {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CALL_STATE.varHandle(PathElement.groupElement("errno"));

    /** The charset in which the JDK itself turns a path into bytes; any other would name a different file. */
    private static final Charset PATH_CHARSET = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));

    private static final int LONGEST_MESSAGE = 256;
    private static final MethodHandle STRERROR =
            function("strerror", FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT));

    private CLibrary() {}

    /** A function that sets errno; its first parameter is a segment of {@link #callState}. */
    @SuppressWarnings("restricted")
    static MethodHandle functionWithErrno(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name), descriptor, Linker.Option.captureCallState("errno"));
    }

    /**
     * As {@link #functionWithErrno}, of a function whose parameters from this one on are optional in C; errno's segment
     * is not counted.
     */
    @SuppressWarnings("restricted")
    static MethodHandle variadicWithErrno(String name, int firstOptional, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name),
                descriptor,
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(firstOptional));
    }

    @SuppressWarnings("restricted")
    static MethodHandle function(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor);
    }

    /** A function that neither waits nor enters the kernel, and returns within microseconds. */
    @SuppressWarnings("restricted")
    static MethodHandle briefFunction(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name), descriptor, Linker.Option.critical(false));
    }

    static MemorySegment callState(Arena arena) {
        return arena.allocate(CALL_STATE);
    }

    private static int errno(MemorySegment callState) {
        return (int) ERRNO.get(callState, 0L);
    }

    /** A call of a function that sets errno. */
    @FunctionalInterface
    interface Call {
        long make(MemorySegment callState) throws Throwable;
    }

    /**
     * Makes a call.
     *
     * @return its result, or the error number below 0
     */
    static long call(String function, Call call) {
        try (Arena arena = Arena.ofConfined()) {
            return call(callState(arena), function, call);
        }
    }

    /** The same with a segment of {@link #callState} that is there already. */
    static long call(MemorySegment callState, String function, Call call) {
        try {
            long result = call.make(callState);
            return result < 0 ? -errno(callState) : result;
        } catch (Throwable e) {
            throw unexpected(function, e);
        }
    }

    /** The same; a call that a signal interrupted is made again. */
    static long callAgain(String function, Call call) {
        long result;
        do {
            result = call(function, call);
        } while (result == -Errno.EINTR);
        return result;
    }

    /**
     * The result of a call that must not have failed.
     *
     * @param name what was used, for the error
     */
    static long checked(long result, String name) throws IOException {
        if (result < 0) {
            throw Errno.toException((int) -result, name, null);
        }
        return result;
    }

    static MemorySegment pathName(Arena arena, Path path) {
        return pathName(arena, path.toString());
    }

    static MemorySegment pathName(Arena arena, String path) {
        return arena.allocateFrom(path, PATH_CHARSET);
    }

    /** The path at the beginning of a segment, up to its zero. */
    static String text(MemorySegment path) {
        return path.getString(0, PATH_CHARSET);
    }

    /** The text of an error number, for instance {@code No such file or directory}. */
    @SuppressWarnings("restricted")
    static String message(int errno) {
        try {
            MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
            return text.reinterpret(LONGEST_MESSAGE).getString(0);
        } catch (Throwable e) {
            throw unexpected("strerror", e);
        }
    }

    /** A downcall declares Throwable but throws nothing that a caller could handle. */
    static IllegalStateException unexpected(String function, Throwable cause) {
        return new IllegalStateException("calling " + function + " failed", cause);
    }
}
