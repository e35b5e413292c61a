package dev.tenon.cli;

import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The lock of a storage of this node, by the program flock, which excludes PVE's own programs. */
record FlockLock(Path file) implements ExclusiveLock {
    private static final Duration USUAL = Duration.ofSeconds(10);

    /** That of this storage, on a PVE host the one that PVE takes. */
    static FlockLock of(StorageId storage) {
        String directory = Files.isDirectory(Path.of("/etc/pve"))
                ? "/var/lock/pve-manager"
                : System.getenv().getOrDefault("TENON_LOCK_DIR", "/var/lib/tenon/lock");
        return new FlockLock(Path.of(directory, "pve-storage-" + storage));
    }

    @Override
    public <T extends @Nullable Object> T hold(@Nullable Duration timeout, Supplier<T> work) {
        long seconds = (timeout == null ? USUAL : timeout).toSeconds();
        Process holder;
        try {
            Files.createDirectories(file.resolveSibling(".").normalize());
            holder = new ProcessBuilder(
                            "flock", "-w", Long.toString(seconds), file.toString(), "sh", "-c", "echo; exec cat")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.NOT_STARTED,
                    "can't open file '" + file + "': " + e.getMessage(),
                    e);
        }
        // The holder lets go when its standard input ends, by whatever means this process does.
        try {
            if (holder.getInputStream().read() < 0) {
                throw StorageException.refused(StorageError.IN_USE, "can't lock file '" + file + "' - got timeout");
            }
            return work.get();
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.UNKNOWN,
                    "can't lock file '" + file + "': " + e.getMessage(),
                    e);
        } finally {
            holder.destroy();
            holder.onExit().join();
        }
    }
}
