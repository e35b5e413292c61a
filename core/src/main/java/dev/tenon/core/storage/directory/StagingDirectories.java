package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.linux.ProcessIdentity;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hidden directories {@code .tenon-PROCESS-RANDOM}, in which images are made that are not finished, and subvolumes are
 * removed that are not gone. The name tells the process, so that what a crash left is known from what is being made.
 */
final class StagingDirectories {
    private static final Logger LOG = LoggerFactory.getLogger(StagingDirectories.class);
    private static final String PREFIX = ".tenon-";
    private static final Pattern OWNED = Pattern.compile("\\.tenon-(.+)-[0-9a-f]{16}");
    /** A directory in use is touched more often than this. */
    private static final Duration ABANDONED_AFTER = Duration.ofDays(1);

    static final Duration KEPT_EVERY = Duration.ofHours(1);

    private static final FileAttribute<Set<PosixFilePermission>> MODE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private StagingDirectories() {}

    static Path create(Path parent) throws IOException {
        String random = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
        return Files.createDirectory(parent.resolve(PREFIX + ProcessIdentity.own() + "-" + random), MODE);
    }

    /**
     * Makes one, in which somebody works, and removes it with what is left in it.
     *
     * @throws StorageException what the work throws, {@code UNKNOWN} if something is left; what a success leaves is only
     *     logged, and a later sweep removes it
     */
    static <T> T with(Path parent, ImageCreation creation, Function<Path, T> work) {
        Path directory;
        try {
            sweep(parent, creation);
            directory = create(parent);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to make a directory in '" + parent + "'");
        }
        AtomicReference<T> result = new AtomicReference<>();
        boolean isRemoved = false;
        try {
            keeping(directory, KEPT_EVERY, () -> result.set(work.apply(directory)));
        } catch (StorageException e) {
            isRemoved = true;
            throw discard(directory, creation)
                    ? e
                    : new StorageException(
                            e.error(),
                            Outcome.UNKNOWN,
                            e.getMessage() + "; '" + directory + "' is left, which tenon doctor removes",
                            e);
        } finally {
            if (!isRemoved) {
                discard(directory, creation);
            }
        }
        return result.get();
    }

    private static boolean discard(Path directory, ImageCreation creation) {
        // The work may have been interrupted, but its traces must be removed.
        return Uninterrupted.call(() -> {
            try {
                remove(directory, creation);
                return true;
            } catch (IOException | StorageException e) {
                LOG.warn("'{}' is left: {}", directory, e.getMessage());
                return false;
            }
        });
    }

    /**
     * Touches one from time to time while work fills it, so that no other node takes it for abandoned: the work may take
     * days and change nothing that is visible from outside.
     */
    static void keeping(Path directory, Duration interval, Runnable work) {
        CountDownLatch done = new CountDownLatch(1);
        Thread.ofPlatform().daemon().name("keeping-" + directory.getFileName()).start(() -> {
            try {
                while (!done.await(interval.toMillis(), TimeUnit.MILLISECONDS)) {
                    touch(directory);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        try {
            work.run();
        } finally {
            done.countDown();
        }
    }

    private static void touch(Path directory) {
        try {
            Files.setLastModifiedTime(directory, FileTime.from(Instant.now()));
        } catch (IOException e) {
            LOG.warn("'{}' cannot be marked as in use: {}", directory, Failures.reason(e));
        }
    }

    /** Removes what a crash left here; failing to is only logged. */
    static void sweep(Path parent, ImageCreation creation) {
        try {
            for (Path directory : abandonedIn(parent)) {
                LOG.warn("removing '{}', which a crash left", directory);
                remove(directory, creation);
            }
        } catch (IOException | StorageException e) {
            LOG.warn("unable to remove what a crash left in '{}': {}", parent, e.toString());
        }
    }

    /** Those here whose process has ended, or is not of this node and has not touched them for a day. */
    static List<Path> abandonedIn(Path parent) throws IOException {
        List<Path> abandoned = new ArrayList<>();
        try (DirectoryStream<Path> staged = Files.newDirectoryStream(parent, PREFIX + "*")) {
            for (Path directory : staged) {
                if (Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS) && isAbandoned(directory)) {
                    abandoned.add(directory);
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return abandoned;
    }

    private static boolean isAbandoned(Path directory) throws IOException {
        Matcher owned = OWNED.matcher(String.valueOf(directory.getFileName()));
        Optional<ProcessIdentity> owner = owned.matches() ? ProcessIdentity.parse(owned.group(1)) : Optional.empty();
        if (owner.isPresent() && owner.get().isOfThisNode()) {
            return owner.get().hasEnded();
        }
        try {
            return isUntouched(directory);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private static boolean isUntouched(Path directory) throws IOException {
        Instant limit = Instant.now().minus(ABANDONED_AFTER);
        if (lastChange(directory).isAfter(limit)) {
            return false;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (lastChange(file).isAfter(limit)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static Instant lastChange(Path path) throws IOException {
        return Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS).toInstant();
    }

    /**
     * Removes one with what is in it; one that is gone is removed already.
     *
     * @throws StorageException if a subvolume in it cannot be removed
     */
    static void remove(Path directory, ImageCreation creation) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
                    creation.removeTree(file);
                } else {
                    Files.deleteIfExists(file);
                }
            }
        } catch (NoSuchFileException e) {
            return;
        }
        Files.deleteIfExists(directory);
    }
}
