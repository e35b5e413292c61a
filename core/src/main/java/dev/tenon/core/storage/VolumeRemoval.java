package dev.tenon.core.storage;

import dev.tenon.core.command.Command;
import dev.tenon.core.image.Qcow2Header;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Removes volumes and what belongs to them. */
final class VolumeRemoval {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeRemoval.class);
    private static final Duration SUBVOLUME_DEADLINE = Duration.ofHours(1);
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
     * Removes a subvolume with all it holds. What a container left there is hostile (links, paths longer than any system
     * call takes), and rm knows all of that; it stops at mounts, whose files are not ours.
     */
    static void subvolume(Path directory) {
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
        Command.of("rm", "-rf", "--one-file-system", "--", directory.toString())
                .withErrorPrefix("unable to remove '" + directory + "'")
                .withDeadline(SUBVOLUME_DEADLINE)
                .run();
    }

    /** Removes the snapshots that an image is based on, oldest first; a failure is only logged. */
    static void snapshotChain(Path image) {
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
        for (Path snapshot : oldestFirst) {
            try {
                Files.deleteIfExists(snapshot);
            } catch (IOException e) {
                LOG.warn("snapshot '{}' is left: {}", snapshot, Failures.reason(e));
            }
        }
    }

    /** The snapshot of the image that this file is based on: {@code snap-SNAP-NAME}, beside it. */
    private static Optional<Path> snapshotBelow(Path file, Path image) {
        try {
            if (!FileStatus.ofLink(file).isRegularFile()) {
                return Optional.empty();
            }
            @Nullable String backing = Qcow2Header.read(file).backingFile();
            return backing != null && SnapshotChain.isSnapshotOf(backing, image)
                    ? Optional.of(image.resolveSibling(backing))
                    : Optional.empty();
        } catch (IOException e) {
            LOG.warn("the snapshots below '{}' are not known: {}", file, e.getMessage());
            return Optional.empty();
        }
    }

    /** Removes the directory of a guest that has no more images. */
    static void emptyDirectory(@Nullable Path directory) {
        if (directory == null) {
            return;
        }
        try {
            if (FileStatus.ofLink(directory).isDirectory()) {
                StagingDirectories.sweep(directory);
                Files.delete(directory);
            }
        } catch (IOException e) {
            LOG.debug("directory '{}' stays: {}", directory, e.toString());
        }
    }
}
