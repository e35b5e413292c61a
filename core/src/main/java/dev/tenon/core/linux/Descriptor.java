package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;

/** An open file by its number, for calls that the JDK does not make. No process that is started inherits it. */
final class Descriptor implements AutoCloseable {
    static final int READ_ONLY = 0;
    static final int WRITE_ONLY = 1;
    static final int READ_WRITE = 2;
    static final int CREATE = 0x40;
    static final int EXCLUSIVE = 0x80;
    static final int APPEND = 0x400;
    private static final int CLOSE_ON_EXEC = 0x80000;

    private static final MethodHandle OPEN = CLibrary.variadicWithErrno(
            "open",
            2,
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle CLOSE =
            CLibrary.functionWithErrno("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private final int number;
    private final Path file;
    private final AtomicBoolean isClosed = new AtomicBoolean();

    private Descriptor(int number, Path file) {
        this.number = number;
        this.file = file;
    }

    /**
     * Opens a file, symbolic links followed.
     *
     * @param flags of this class, or-ed; the descriptor is closed on exec in any case
     * @param mode of the file if it is made; the process's umask is taken away from it
     */
    static Descriptor open(Path file, int flags, int mode) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment callState = CLibrary.callState(arena);
            MemorySegment name = CLibrary.pathName(arena, file);
            int result;
            int errno;
            do {
                try {
                    result = (int) OPEN.invokeExact(callState, name, flags | CLOSE_ON_EXEC, mode);
                } catch (Throwable e) {
                    throw CLibrary.unexpected("open", e);
                }
                errno = result < 0 ? CLibrary.errno(callState) : 0;
            } while (errno == Errno.EINTR);
            if (errno != 0) {
                throw Errno.toException(errno, file, null);
            }
            return new Descriptor(result, file);
        }
    }

    boolean isOpen() {
        return !isClosed.get();
    }

    /** The number, which means something until this is closed. */
    int number() {
        if (isClosed.get()) {
            // The number may be another file's by now.
            throw new IllegalStateException("the file '" + file + "' is closed");
        }
        return number;
    }

    Path file() {
        return file;
    }

    @Override
    public void close() {
        if (!isClosed.compareAndSet(false, true)) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            // The number is free whatever this answers, and what matters of a file's content was synced before.
            int ignored = (int) CLOSE.invokeExact(CLibrary.callState(arena), number);
        } catch (Throwable e) {
            throw CLibrary.unexpected("close", e);
        }
    }
}
