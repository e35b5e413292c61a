package dev.tenon.core.storage.directory;

import dev.tenon.core.command.Command;
import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Removes volumes and what belongs to them. */
final class VolumeRemoval {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeRemoval.class);
    private static final int LONGEST_CHAIN = 1024;

    private VolumeRemoval() {}

    /** Clears the immutable flag of a base image; file systems without flags refuse, which does no harm. */
    static void makeMutable(Path file) {
        try {
            Command.of("chattr", "-i", file.toString()).run();
        } catch (StorageException e) {
            LOG.warn("'{}' may still be immutable: {}", file, e.getMessage());
        }
    }

    /**
     * Removes a file; one that is missing is only logged.
     *
     * @throws StorageException {@code FAILED_CLEAN} with the reason
     */
    static void file(Path file) {
        try {
            if (FileStatus.ofLink(file).isDirectory()) {
                throw new StorageException(
                        StorageError.NOT_SUPPORTED,
                        Outcome.FAILED_CLEAN,
                        "unable to remove '" + file + "': it is a directory and no subvolume");
            }
            Files.delete(file);
        } catch (NoSuchFileException e) {
            LOG.warn("disk image '{}' does not exist", file);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unlink '" + file + "' failed");
        }
    }

    /**
     * Removes a subvolume with all it holds. It is moved out of sight first, so that nobody ever finds half of it. What
     * is mounted in it is not removed.
     */
    static void subvolume(Path directory, ImageCreation creation) {
        try {
            if (!FileStatus.ofLink(directory).isDirectory()) {
                file(directory);
                return;
            }
        } catch (NoSuchFileException e) {
            LOG.warn("subvolume '{}' does not exist", directory);
            return;
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to remove '" + directory + "'");
        }
        Path staging;
        Path hidden;
        try {
            staging = StagingDirectories.create(directory.resolveSibling(".").normalize());
            hidden = staging.resolve(directory.getFileName());
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to remove '" + directory + "'");
        }
        try {
            FileMove.withoutReplacing(directory, hidden);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to remove '" + directory + "'");
        } finally {
            discardIfEmpty(staging, hidden);
        }
        try {
            StagingDirectories.remove(staging, creation);
        } catch (IOException | StorageException e) {
            throw putBack(hidden, directory, staging, e);
        }
    }

    private static void discardIfEmpty(Path staging, Path hidden) {
        if (!Files.exists(hidden, LinkOption.NOFOLLOW_LINKS)) {
            try {
                Files.delete(staging);
            } catch (IOException e) {
                LOG.warn("empty directory '{}' is left: {}", staging, Failures.reason(e));
            }
        }
    }

    private static StorageException putBack(Path hidden, Path directory, Path staging, Exception failure) {
        try {
            FileMove.withoutReplacing(hidden, directory);
            Files.delete(staging);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
        String reason = failure instanceof IOException e ? Failures.reason(e) : failure.getMessage();
        return new StorageException(
                StorageError.COMMAND_FAILED,
                Outcome.UNKNOWN,
                "unable to remove '" + directory + "', of which a part may be gone: " + reason,
                failure);
    }

    /**
     * Removes an image, and then the snapshots that it is based on, oldest first; that one of those is left is only logged.
     *
     * @throws StorageException {@code FAILED_CLEAN} with the reason; the snapshots are there then
     */
    static void fileWithSnapshots(Path image) {
        Deque<Path> oldestFirst = snapshotsBelow(image);
        file(image);
        for (Path snapshot : oldestFirst) {
            try {
                Files.deleteIfExists(snapshot);
            } catch (IOException e) {
                LOG.warn("snapshot '{}' is left: {}", snapshot, Failures.reason(e));
            }
        }
    }

    private static Deque<Path> snapshotsBelow(Path image) {
        Deque<Path> oldestFirst = new ArrayDeque<>();
        Path current = image;
        while (oldestFirst.size() < LONGEST_CHAIN) {
            Optional<Path> snapshot = snapshotBelow(current, image);
            if (snapshot.isEmpty() || oldestFirst.contains(snapshot.get())) {
                break;
            }
            oldestFirst.push(snapshot.get());
            current = snapshot.get();
        }
        return oldestFirst;
    }

    /** The snapshot of the image that this file is based on: {@code snap-SNAP-NAME}, beside it. */
    private static Optional<Path> snapshotBelow(Path file, Path image) {
        String backing = SnapshotChain.backingFile(file);
        return backing != null && SnapshotChain.isSnapshotOf(backing, image)
                ? Optional.of(image.resolveSibling(backing))
                : Optional.empty();
    }

    /** Removes the directory of a guest that has no more images. */
    static void emptyDirectory(@Nullable Path directory, ImageCreation creation) {
        if (directory == null) {
            return;
        }
        try {
            if (FileStatus.ofLink(directory).isDirectory()) {
                StagingDirectories.sweep(directory, creation);
                Files.delete(directory);
            }
        } catch (IOException e) {
            LOG.debug("directory '{}' stays: {}", directory, e.toString());
        }
    }
}
