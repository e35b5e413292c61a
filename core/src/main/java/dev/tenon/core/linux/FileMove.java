package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Gives a file a new name inside its file system, in one step and without ever replacing another file. */
public final class FileMove {
    private static final int AT_FDCWD = -100;
    private static final int RENAME_NOREPLACE = 1;
    private static final int RENAME_EXCHANGE = 2;

    private static final MethodHandle RENAMEAT2 = CLibrary.functionWithErrno(
            "renameat2",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT));

    private FileMove() {}

    /**
     * Renames the file or directory. Where the file system cannot refuse to replace (NFS), a file is linked to its new name
     * and then unlinked from the old one, and a directory replaces an empty one that was made for it.
     *
     * @throws java.nio.file.FileAlreadyExistsException if the target exists; nothing is changed then
     */
    public static void withoutReplacing(Path file, Path target) throws IOException {
        int errno = rename(file, target, RENAME_NOREPLACE);
        switch (errno) {
            case 0 -> {}
            case Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP -> {
                if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
                    Files.createDirectory(target);
                    Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
                } else {
                    Files.createLink(target, file);
                    Files.delete(file);
                }
            }
            default -> throw Errno.toException(errno, file, target);
        }
    }

    /**
     * Lets two files or directories of one file system change places, in one step.
     *
     * @throws IOException if the file system cannot, or one is missing; nothing is changed then
     */
    public static void exchange(Path one, Path other) throws IOException {
        int errno = rename(one, other, RENAME_EXCHANGE);
        if (errno != 0) {
            throw Errno.toException(errno, one, other);
        }
    }

    private static int rename(Path file, Path target, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = CLibrary.pathName(arena, file);
            MemorySegment to = CLibrary.pathName(arena, target);
            return (int) -CLibrary.call(
                    "renameat2", state -> (int) RENAMEAT2.invokeExact(state, AT_FDCWD, from, AT_FDCWD, to, flags));
        }
    }
}
