package dev.tenon.core.storage;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hidden directories {@code .tenon-<random>}, in which images are made that are not finished. */
final class StagingDirectories {
    private static final Logger LOG = LoggerFactory.getLogger(StagingDirectories.class);
    private static final String PREFIX = ".tenon-";
    /** Nobody makes one image for so long: the lock it is made under lives a minute on shared storages. */
    private static final Duration ABANDONED_AFTER = Duration.ofDays(1);

    private static final FileAttribute<Set<PosixFilePermission>> MODE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private StagingDirectories() {}

    static Path create(Path parent) throws IOException {
        String random = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
        return Files.createDirectory(parent.resolve(PREFIX + random), MODE);
    }

    /** Removes what a crash left here; failing to is only logged. */
    static void sweep(Path parent) {
        try (DirectoryStream<Path> staged = Files.newDirectoryStream(parent, PREFIX + "*")) {
            for (Path directory : staged) {
                if (Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS) && isAbandoned(directory)) {
                    LOG.warn("removing '{}', which a crash left", directory);
                    deleteWithFiles(directory);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            LOG.warn("unable to remove what a crash left in '{}': {}", parent, e.toString());
        }
    }

    private static boolean isAbandoned(Path directory) throws IOException {
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

    private static void deleteWithFiles(Path directory) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }
}
