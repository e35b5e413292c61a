package dev.tenon.core.storage.common;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.AtomicFile;
import dev.tenon.core.linux.DirectorySync;
import dev.tenon.core.spi.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file that keeps the secret of a storage, which only root may read.
 *
 * @param path absolute
 */
public record SecretFile(Path path) {
    private static final Logger LOG = LoggerFactory.getLogger(SecretFile.class);
    private static final Set<PosixFilePermission> DIRECTORY_MODE = PosixFilePermissions.fromString("rwx------");

    public boolean exists() {
        return Files.exists(path);
    }

    /**
     * Puts this text into the file, at once or not at all; a power failure does not take it back.
     *
     * @param mode for instance {@code rw-------}
     * @throws dev.tenon.core.spi.StorageException {@code FAILED_CLEAN}; {@code UNKNOWN} if the file has the text, and may
     *     lose it by a power failure
     */
    public void write(String text, String mode) {
        try {
            make(directory());
            AtomicFile.replaceSecret(
                    path, text.getBytes(StandardCharsets.UTF_8), PosixFilePermissions.fromString(mode));
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to write secret file '" + path + "'");
        }
        try {
            DirectorySync.of(directory());
        } catch (IOException e) {
            throw Failures.of(e, Outcome.UNKNOWN, "unable to sync the directory of secret file '" + path + "'");
        }
    }

    /** With those above it; each has its name when this returns, whatever happens. */
    private static void make(Path directory) throws IOException {
        Path above = directory.getParent();
        if (above == null || Files.isDirectory(directory)) {
            return;
        }
        make(above);
        try {
            Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(DIRECTORY_MODE));
        } catch (FileAlreadyExistsException e) {
            // Somebody else made it.
        }
        DirectorySync.of(above);
    }

    private Path directory() {
        return path.resolveSibling(".").normalize();
    }

    /** Removes the file; a failure is only logged, for the storage may go without it. */
    public void remove() {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            LOG.warn("secret file '{}' is left: {}", path, Failures.reason(e));
        }
    }
}
