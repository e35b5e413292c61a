package dev.tenon.core.image;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * Copies the content of an image into a new file. Where the file system can, both share their blocks; elsewhere the
 * kernel copies the data, and what is a hole in the source is one in the target.
 */
public final class SparseCopy {
    /** So much is copied between two looks at whether to go on. */
    private static final long STEP = 16 << 20;

    /** What PVE's umask leaves to an image that it makes. */
    private static final int PERMISSIONS = 0640;

    /** How a copy was made. */
    public enum Method {
        /** No data was moved: source and target share their blocks until one of them is written to. */
        REFLINK,
        /** The data was copied. */
        COPY
    }

    /**
     * A copy that was made.
     *
     * @param bytes data that was moved: 0 with {@code REFLINK}, otherwise the size of the file without its holes
     */
    public record Copied(Method method, long bytes) {}

    private final SparseFile source;
    private final SparseFile target;
    private final Path file;
    private final CopyProgress progress;
    private final RateLimit limit;
    private final long size;
    private long moved;

    private SparseCopy(SparseFile source, SparseFile target, Path file, RateLimit limit, CopyProgress progress)
            throws IOException {
        this.source = source;
        this.target = target;
        this.file = file;
        this.limit = limit;
        this.progress = progress;
        size = source.size();
    }

    /**
     * Copies a file or block device into a file that does not exist yet. The target has exactly the source's size and
     * mode 0640 (less what the umask forbids), and is on the storage when this returns. The source must not be written to
     * meanwhile. An interrupt of the thread ends a copy early.
     *
     * @throws StorageException {@code NOT_FOUND}, {@code ALREADY_EXISTS}, {@code PERMISSION_DENIED}, {@code NO_SPACE},
     *     {@code CANCELLED} after an interrupt (the thread stays interrupted), {@code BAD_PARAMETER} if the source is no
     *     file or block device, {@code STORAGE_UNAVAILABLE} for any other reason. {@code NOT_STARTED} or {@code
     *     FAILED_CLEAN}: there is no target of this call; {@code UNKNOWN} if it cannot be removed
     */
    public static Copied copy(Path source, Path target, CopyProgress progress) {
        return copy(source, target, new RateLimit(OptionalLong.empty()), progress);
    }

    /** As the other, with a limit for the data that is moved; neither shared blocks nor holes are. */
    public static Copied copy(Path source, Path target, RateLimit limit, CopyProgress progress) {
        boolean isMade = false;
        try (SparseFile from = open(source)) {
            try (SparseFile to = SparseFile.create(target, PERMISSIONS)) {
                isMade = true;
                Copied copied = new SparseCopy(from, to, source, limit, progress).copy();
                to.sync();
                try (SparseFile directory = SparseFile.open(
                        Objects.requireNonNull(target.toAbsolutePath().getParent()))) {
                    directory.sync();
                }
                return copied;
            }
        } catch (IOException e) {
            StorageException failure = failure(e, isMade ? Outcome.FAILED_CLEAN : Outcome.NOT_STARTED, source, target);
            throw isMade ? removing(target, failure) : failure;
        } catch (StorageException e) {
            throw isMade ? removing(target, e) : e;
        } catch (RuntimeException | Error e) {
            if (isMade) {
                removing(target, e);
            }
            throw e;
        }
    }

    /**
     * As {@link #copy}, into an empty file that is there. Of a copy that fails, a part may be left in it ({@code UNKNOWN}).
     */
    public static Copied fill(Path source, Path target, RateLimit limit, CopyProgress progress) {
        try (SparseFile from = open(source);
                SparseFile to = SparseFile.openForWriting(target)) {
            Copied copied = new SparseCopy(from, to, source, limit, progress).copy();
            to.sync();
            return copied;
        } catch (IOException e) {
            throw failure(e, Outcome.UNKNOWN, source, target);
        }
    }

    private static StorageException failure(IOException failure, Outcome outcome, Path source, Path target) {
        return Failures.of(
                failure, outcome, "unable to copy '" + source + "' to '" + target + "'" + whichFile(failure));
    }

    private static SparseFile open(Path source) throws IOException {
        FileStatus status = FileStatus.of(source);
        if (!status.isRegularFile() && !status.isBlockDevice()) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "unable to copy '" + source + "': it is no file and no block device; name the image itself");
        }
        return SparseFile.open(source);
    }

    private Copied copy() throws IOException {
        if (target.cloneFrom(source)) {
            progress.copied(size, size);
            return new Copied(Method.REFLINK, 0);
        }
        target.setSize(size);
        long end = 0;
        for (long begin = nextData(0); begin < size; begin = nextData(end)) {
            end = Math.min(source.nextHole(begin), size);
            copy(begin, end);
        }
        progress.copied(size, size);
        return new Copied(Method.COPY, moved);
    }

    private long nextData(long offset) throws IOException {
        long data = offset < size ? source.nextData(offset) : -1;
        return data < 0 ? size : data;
    }

    private void copy(long begin, long end) throws IOException {
        long done = begin;
        while (done < end) {
            refuseCancelled(done);
            long copied = target.copyFrom(source, done, limit.piece(Math.min(STEP, end - done)));
            if (copied == 0) {
                throw new FileSystemException(
                        file.toString(), null, "it became shorter than " + size + " bytes while it was copied");
            }
            done += copied;
            moved += copied;
            if (done < size) {
                progress.copied(done, size);
            }
            long reached = done;
            limit.await(moved, () -> refuseCancelled(reached));
        }
    }

    private void refuseCancelled(long done) {
        if (Thread.currentThread().isInterrupted()) {
            throw new StorageException(
                    StorageError.CANCELLED,
                    Outcome.FAILED_CLEAN,
                    "the copy of '" + file + "' was cancelled after " + done + " of " + size + " bytes");
        }
    }

    private static StorageException removing(Path target, StorageException failure) {
        removing(target, (Throwable) failure);
        return failure.getSuppressed().length == 0
                ? failure
                : new StorageException(
                        failure.error(),
                        Outcome.UNKNOWN,
                        failure.getMessage() + "; '" + target + "' is left, remove it",
                        failure);
    }

    private static void removing(Path target, Throwable failure) {
        try {
            Files.deleteIfExists(target);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    /** Of the two files in the message, the one that the failure is about. */
    private static String whichFile(IOException failure) {
        return failure instanceof FileSystemException detailed ? ": '" + detailed.getFile() + "'" : "";
    }
}
