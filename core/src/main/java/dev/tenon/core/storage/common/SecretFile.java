package dev.tenon.core.storage.common;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.spi.Outcome;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
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
     * Puts this text into the file, at once or not at all.
     *
     * @param mode for instance {@code rw-------}
     * @throws dev.tenon.core.spi.StorageException {@code FAILED_CLEAN}
     */
    public void write(String text, String mode) {
        Path staged = path.resolveSibling(
                path.getFileName() + ".tmp." + ProcessHandle.current().pid());
        try {
            Files.createDirectories(
                    path.resolveSibling(".").normalize(), PosixFilePermissions.asFileAttribute(DIRECTORY_MODE));
            Files.deleteIfExists(staged);
            try (FileChannel channel = FileChannel.open(
                    staged,
                    Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode)))) {
                ByteBuffer rest = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
                while (rest.hasRemaining()) {
                    channel.write(rest);
                }
                channel.force(true);
            }
            Files.move(staged, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            removeQuietly(staged);
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to write secret file '" + path + "'");
        }
    }

    /** Removes the file; a failure is only logged, for the storage may go without it. */
    public void remove() {
        removeQuietly(path);
    }

    private static void removeQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.warn("secret file '{}' is left: {}", file, Failures.reason(e));
        }
    }
}
