package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * A file or directory that was found without following any symbolic link, and is held by a descriptor: calls concern exactly
 * that file, wherever its path leads by then.
 */
public final class LinklessPath implements AutoCloseable {
    /** The same on all architectures; the C library of Debian 12 has no function for it. */
    private static final long OPENAT2 = 437;

    private static final int AT_FDCWD = -100;
    private static final int PATH_ONLY = 0x200000;
    private static final int CLOSE_ON_EXEC = 0x80000;
    private static final int REMOVE_DIRECTORY = 0x200;
    private static final long RESOLVE_NO_SYMLINKS = 4;
    private static final long RESOLVE_BENEATH = 8;
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
    private static final MethodHandle MKDIRAT = CLibrary.functionWithErrno(
            "mkdirat",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final MethodHandle UNLINKAT = CLibrary.functionWithErrno(
            "unlinkat",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));

    private final Descriptor descriptor;

    private LinklessPath(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * Finds what is there.
     *
     * @throws java.nio.file.FileSystemLoopException if it, or a directory above it, is a symbolic link
     * @throws java.nio.file.NoSuchFileException if there is nothing
     * @throws IOException for any other reason, with the text of the error
     */
    public static LinklessPath open(Path absolute) throws IOException {
        return open(AT_FDCWD, absolute.toString(), absolute.toString());
    }

    private static LinklessPath open(int directory, String relative, String name) throws IOException {
        long number = openAt(directory, relative, PATH_ONLY, 0, RESOLVE_NO_SYMLINKS);
        return new LinklessPath(Descriptor.of((int) CLibrary.checked(number, name), name));
    }

    /**
     * Whether something is there, and neither it nor a directory above it is a symbolic link. If not, or where this cannot
     * be told, the answer is no.
     */
    public static boolean is(Path absolute) {
        try (LinklessPath _ = open(absolute)) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static long openAt(int directory, String name, int flags, int permissions, long resolve) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = CLibrary.pathName(arena, name);
            MemorySegment how = arena.allocate(HOW_BYTES, Long.BYTES);
            how.set(ValueLayout.JAVA_LONG, 0, flags | CLOSE_ON_EXEC);
            how.set(ValueLayout.JAVA_LONG, Long.BYTES, permissions);
            how.set(ValueLayout.JAVA_LONG, 2L * Long.BYTES, resolve);
            return CLibrary.callAgain("openat2", state ->
                    (long) SYSCALL.invokeExact(state, OPENAT2, (long) directory, path, how, HOW_BYTES));
        }
    }

    public FileStatus status() throws IOException {
        return FileStatus.of(descriptor);
    }

    /** The file system that holds it. */
    public FileSystemStatus fileSystem() throws IOException {
        return FileSystemStatus.of(own());
    }

    /** The path by which this process finds it while it is open. */
    private Path own() {
        return Path.of("/proc/self/fd/" + descriptor.number());
    }

    /** Waits until the names in this directory are on the disk. */
    public void sync() throws IOException {
        DirectorySync.of(own());
    }

    private String path(String name) {
        return descriptor.name() + "/" + name;
    }

    /**
     * Makes a directory in this one, unless there is something of that name.
     *
     * @param name without a slash
     * @param permissions for instance 0755, less what the process's umask forbids
     * @return whether it was made
     */
    public boolean makeDirectory(String name, int permissions) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = CLibrary.pathName(arena, name);
            long result = CLibrary.call(
                    "mkdirat", state -> (int) MKDIRAT.invokeExact(state, descriptor.number(), path, permissions));
            return result != -Errno.EEXIST && CLibrary.checked(result, path(name)) == 0;
        }
    }

    /**
     * Finds what has this name in this directory.
     *
     * @param name without a slash
     * @throws java.nio.file.FileSystemLoopException if there is a symbolic link of that name
     * @throws java.nio.file.NoSuchFileException if there is nothing
     */
    public LinklessPath open(String name) throws IOException {
        return open(descriptor.number(), name, path(name));
    }

    /**
     * Makes an empty file in this directory and opens it for writing.
     *
     * @param name without a slash
     * @param permissions for instance 0600, less what the process's umask forbids
     * @throws java.nio.file.FileAlreadyExistsException if there is something of that name, a symbolic link included
     */
    public SparseFile create(String name, int permissions) throws IOException {
        long number = openAt(
                descriptor.number(),
                name,
                Descriptor.READ_WRITE | Descriptor.CREATE | Descriptor.EXCLUSIVE,
                permissions,
                RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        return SparseFile.of(Descriptor.of((int) CLibrary.checked(number, path(name)), path(name)));
    }

    /** Removes a file from this directory; a symbolic link itself, and not what it leads to. */
    public void delete(String name) throws IOException {
        CLibrary.checked(unlink(name, 0), path(name));
    }

    /**
     * Removes a directory from this one.
     *
     * @return false if there is something in it, so that it stays
     */
    public boolean deleteDirectory(String name) throws IOException {
        long result = unlink(name, REMOVE_DIRECTORY);
        return result != -Errno.ENOTEMPTY && CLibrary.checked(result, path(name)) == 0;
    }

    private long unlink(String name, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = CLibrary.pathName(arena, name);
            return CLibrary.call(
                    "unlinkat", state -> (int) UNLINKAT.invokeExact(state, descriptor.number(), path, flags));
        }
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
