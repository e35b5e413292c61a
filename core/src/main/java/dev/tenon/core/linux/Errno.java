package dev.tenon.core.linux;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The error numbers of Linux that mean something to a caller. They are the same on x86-64 and on arm64. */
final class Errno {
    static final int EPERM = 1;
    static final int ENOENT = 2;
    static final int ESRCH = 3;
    static final int EINTR = 4;
    static final int ENXIO = 6;
    static final int EAGAIN = 11;
    static final int ENOMEM = 12;
    static final int EACCES = 13;
    static final int EEXIST = 17;
    static final int EXDEV = 18;
    static final int ENOTDIR = 20;
    static final int EINVAL = 22;
    static final int ENOTTY = 25;
    static final int ENOSPC = 28;
    static final int ESPIPE = 29;
    static final int EPIPE = 32;
    static final int ENOSYS = 38;
    static final int ENOTEMPTY = 39;
    static final int ELOOP = 40;
    static final int EOPNOTSUPP = 95;
    static final int ECONNRESET = 104;
    static final int ETIMEDOUT = 110;
    static final int EDQUOT = 122;

    private Errno() {}

    /**
     * The JDK's exception for this error, with the path and the error's text in its message.
     *
     * @param other the second path of the call, null if there is none
     */
    static IOException toException(int errno, Path path, @Nullable Path other) {
        return toException(errno, path.toString(), other == null ? null : other.toString());
    }

    /** As {@link #toException(int, Path, Path)}, by names. */
    static IOException toException(int errno, String file, @Nullable String otherFile) {
        String reason = CLibrary.message(errno);
        return switch (errno) {
            case ENOENT, ESRCH, ENOTDIR -> new NoSuchFileException(file, otherFile, reason);
            case EACCES, EPERM -> new AccessDeniedException(file, otherFile, reason);
            case EEXIST -> new FileAlreadyExistsException(otherFile == null ? file : otherFile, null, reason);
            case EPIPE, ECONNRESET -> new PeerClosedException(file, otherFile, reason);
            case ENOSPC, EDQUOT -> new NoSpaceException(file, otherFile, reason);
            case ELOOP -> new FileSystemLoopException(file);
            default -> new FileSystemException(file, otherFile, reason);
        };
    }
}
