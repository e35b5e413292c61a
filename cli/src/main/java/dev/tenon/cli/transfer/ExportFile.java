package dev.tenon.cli.transfer;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * The file that a stream is written to. It gets its name when all of the stream is in it, so that a file of that name is
 * whole; a block device is written where it is.
 */
final class ExportFile implements AutoCloseable {
    private static final int PERMISSIONS = 0600;

    private final Path file;
    /** Beside it, null if it is written where it is. */
    private final @Nullable Path unfinished;

    private final Descriptor descriptor;
    private final boolean isSynced;
    private final boolean replaces;

    private ExportFile(
            Path file, @Nullable Path unfinished, Descriptor descriptor, boolean isSynced, boolean replaces) {
        this.file = file;
        this.unfinished = unfinished;
        this.descriptor = descriptor;
        this.isSynced = isSynced;
        this.replaces = replaces;
    }

    /**
     * Makes it, or opens what is there.
     *
     * @param force whether an existing file may be overwritten
     */
    static ExportFile open(Path file, boolean force) throws IOException {
        FileStatus status;
        try {
            status = FileStatus.of(file);
        } catch (NoSuchFileException e) {
            return beside(file, false);
        }
        if (status.isDirectory()) {
            throw new IllegalArgumentException("'" + file + "' is a directory; name a file");
        }
        boolean holdsData = status.isRegularFile() || status.isBlockDevice();
        if (holdsData && !force) {
            throw new IllegalArgumentException(
                    "'" + file + "' exists; name another file, or write over it with --force");
        }
        return status.isRegularFile()
                ? beside(file.toRealPath(), true)
                : new ExportFile(file, null, Descriptor.openForWriting(file), status.isBlockDevice(), false);
    }

    private static ExportFile beside(Path file, boolean replaces) throws IOException {
        Path unfinished = file.resolveSibling(
                "." + file.getFileName() + ".tenon-" + ProcessHandle.current().pid());
        return new ExportFile(file, unfinished, Descriptor.create(unfinished, PERMISSIONS), true, replaces);
    }

    Descriptor descriptor() {
        return descriptor;
    }

    /** All of the stream is in it. */
    void finish() throws IOException {
        Path written = unfinished == null ? file : unfinished;
        if (isSynced) {
            try (FileChannel channel = FileChannel.open(written, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
        }
        if (unfinished != null && replaces) {
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        } else if (unfinished != null) {
            try {
                FileMove.withoutReplacing(unfinished, file);
            } catch (FileAlreadyExistsException e) {
                throw new IOException(
                        "'" + file + "' was made by somebody else meanwhile; nothing is written to it", e);
            }
        }
    }

    /** What the export failed with, and what that means to what it was written to. */
    StorageException failed(StorageException failure, long bytes) {
        return unfinished != null || !isSynced || bytes == 0
                ? failure
                : new StorageException(
                        failure.error(),
                        Outcome.UNKNOWN,
                        failure.getMessage() + "; the first " + bytes + " bytes of '" + file + "' are overwritten",
                        failure);
    }

    /** Removes what is not finished. */
    @Override
    public void close() throws IOException {
        descriptor.close();
        if (unfinished != null) {
            Files.deleteIfExists(unfinished);
        }
    }
}
