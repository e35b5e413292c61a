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
public final class Descriptor implements AutoCloseable {
    /** What is behind a descriptor. */
    public enum Kind {
        FILE,
        BLOCK_DEVICE,
        PIPE,
        SOCKET,
        /** A terminal, a directory, and whatever else there is. */
        OTHER
    }

    /** Both ends of a new pipe, or of a connection of two sockets. */
    public record Pipe(Descriptor read, Descriptor write) implements AutoCloseable {
        @Override
        public void close() {
            read.close();
            write.close();
        }
    }

    static final int READ_ONLY = 0;
    static final int WRITE_ONLY = 1;
    static final int READ_WRITE = 2;
    static final int CREATE = 0x40;
    static final int EXCLUSIVE = 0x80;
    static final int TRUNCATE = 0x200;
    static final int APPEND = 0x400;
    static final int DIRECT = "aarch64".equals(System.getProperty("os.arch")) ? 0x10000 : 0x4000;
    private static final int CLOSE_ON_EXEC = 0x80000;
    private static final int MFD_CLOEXEC = 1;

    private static final MethodHandle OPEN = CLibrary.variadicWithErrno(
            "open",
            2,
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle CLOSE =
            CLibrary.functionWithErrno("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private static final MethodHandle PIPE = CLibrary.functionWithErrno(
            "pipe2", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));

    private static final MethodHandle MEMFD_CREATE = CLibrary.functionWithErrno(
            "memfd_create", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));

    private static final MethodHandle PIDFD_OPEN = CLibrary.functionWithErrno(
            "pidfd_open", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private final int number;
    private final String name;
    private final AtomicBoolean isClosed = new AtomicBoolean();

    private Descriptor(int number, String name) {
        this.number = number;
        this.name = name;
    }

    /**
     * Takes over a descriptor that is open, and that nobody else closes.
     *
     * @param name what errors call it, for instance {@code the pipe to tar}
     */
    public static Descriptor of(int number, String name) {
        return new Descriptor(number, name);
    }

    /** Makes a pipe. */
    public static Pipe pipe() throws IOException {
        String name = "a pipe";
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(ValueLayout.JAVA_INT, 2);
            CLibrary.checked(CLibrary.call(name, state -> (int) PIPE.invokeExact(state, ends, CLOSE_ON_EXEC)), name);
            return new Pipe(
                    new Descriptor(ends.getAtIndex(ValueLayout.JAVA_INT, 0), name),
                    new Descriptor(ends.getAtIndex(ValueLayout.JAVA_INT, 1), name));
        }
    }

    /**
     * Opens a process, for {@link Readiness}: it can be read once the process has ended, and stands for no later process
     * of that number.
     *
     * @throws java.nio.file.NoSuchFileException if there is none
     */
    public static Descriptor ofProcess(long pid) throws IOException {
        String name = "the process " + pid;
        long number = CLibrary.call("pidfd_open", state -> (int) PIDFD_OPEN.invokeExact(state, (int) pid, 0));
        return new Descriptor((int) CLibrary.checked(number, name), name);
    }

    /** Opens a file, a block device or a named pipe to read from it. */
    public static Descriptor openForReading(Path file) throws IOException {
        return open(file, READ_ONLY, 0);
    }

    /**
     * Makes a file to write into it.
     *
     * @param permissions for instance 0600, less what the process's umask forbids
     * @throws java.nio.file.FileAlreadyExistsException if there is something of that name
     */
    public static Descriptor create(Path file, int permissions) throws IOException {
        return open(file, WRITE_ONLY | CREATE | EXCLUSIVE, permissions);
    }

    /** Opens a file, a block device or a named pipe that is there, to write into it from its beginning on. */
    public static Descriptor openForWriting(Path file) throws IOException {
        return open(file, WRITE_ONLY | TRUNCATE, 0);
    }

    /** Opens a disk to read and write it, past the page cache where the file system can do that. */
    public static Descriptor openDisk(Path file) throws IOException {
        try {
            return open(file, READ_WRITE | DIRECT, 0);
        } catch (IOException e) {
            return open(file, READ_WRITE, 0);
        }
    }

    /**
     * Opens a file, symbolic links followed.
     *
     * @param flags of this class, or-ed; the descriptor is closed on exec in any case
     * @param mode of the file if it is made; the process's umask is taken away from it
     */
    static Descriptor open(Path file, int flags, int mode) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = CLibrary.pathName(arena, file);
            long result = CLibrary.callAgain(
                    "open", state -> (int) OPEN.invokeExact(state, path, flags | CLOSE_ON_EXEC, mode));
            return new Descriptor((int) CLibrary.checked(result, file.toString()), file.toString());
        }
    }

    /** Makes a file without a name, in memory. */
    static Descriptor inMemory(String name) throws IOException {
        String what = "a file in memory";
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            long result =
                    CLibrary.call("memfd_create", state -> (int) MEMFD_CREATE.invokeExact(state, text, MFD_CLOEXEC));
            return new Descriptor((int) CLibrary.checked(result, what), what);
        }
    }

    /** What is behind it. */
    public Kind kind() throws IOException {
        return FileStatus.of(this).kind();
    }

    public boolean isOpen() {
        return !isClosed.get();
    }

    /** The number, which means something until this is closed. */
    public int number() {
        if (isClosed.get()) {
            // The number may be another file's by now.
            throw new IllegalStateException("'" + name + "' is closed");
        }
        return number;
    }

    /** Its name in errors. */
    public String name() {
        return name;
    }

    /** Ends a socket's connection for all who have it open, and wakes those who wait in the kernel for its peer. */
    public void disconnect() {
        // One that was never connected, or has lost its peer, needs none.
        CLibrary.call(
                "shutdown", state -> (int) SharedCalls.SHUTDOWN.invokeExact(state, number(), SharedCalls.SHUT_RDWR));
    }

    @Override
    public void close() {
        if (!isClosed.compareAndSet(false, true)) {
            return;
        }
        // The number is free whatever close returns, and content that matters was synced before.
        CLibrary.call("close", state -> (int) CLOSE.invokeExact(state, number));
    }
}
