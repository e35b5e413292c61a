package dev.tenon.core.failure;

import dev.tenon.core.linux.NoSpaceException;
import dev.tenon.core.linux.PeerClosedException;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Tells a failure of the file system as a storage failure. */
public final class Failures {
    private Failures() {}

    /**
     * The storage failure that this failure of the file system means.
     *
     * @param doing what was tried, for instance {@code unable to create directory '/x'}
     */
    public static StorageException of(IOException failure, Outcome outcome, String doing) {
        return new StorageException(errorOf(failure), outcome, doing + ": " + reason(failure), failure);
    }

    private static StorageError errorOf(IOException failure) {
        return switch (failure) {
            case NoSpaceException full -> StorageError.NO_SPACE;
            case NoSuchFileException missing -> StorageError.NOT_FOUND;
            case FileAlreadyExistsException exists -> StorageError.ALREADY_EXISTS;
            case AccessDeniedException denied -> StorageError.PERMISSION_DENIED;
            case ClosedByInterruptException interrupted -> StorageError.CANCELLED;
            case PeerClosedException closed -> StorageError.STREAM_BROKEN;
            // The JDK has no class for it.
            default -> {
                String reason = reason(failure);
                yield reason.contains("No space left on device") || reason.contains("Disk quota exceeded")
                        ? StorageError.NO_SPACE
                        : StorageError.STORAGE_UNAVAILABLE;
            }
        };
    }

    /** The error's own text without the path, which the sentence before it names. */
    public static String reason(IOException failure) {
        if (failure instanceof FileSystemException detailed && detailed.getReason() != null) {
            return detailed.getReason();
        }
        return switch (failure) {
            case NoSuchFileException missing -> "No such file or directory";
            case FileAlreadyExistsException exists -> "File exists";
            case AccessDeniedException denied -> "Permission denied";
            case NotDirectoryException other -> "Not a directory";
            case DirectoryNotEmptyException full -> "Directory not empty";
            case FileSystemLoopException loop -> "Too many levels of symbolic links";
            case ClosedByInterruptException interrupted -> "it was interrupted";
            default -> {
                String message = failure.getMessage();
                yield message == null ? failure.getClass().getSimpleName() : message;
            }
        };
    }
}
