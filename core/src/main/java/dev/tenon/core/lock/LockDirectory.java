package dev.tenon.core.lock;

import dev.tenon.core.linux.Directories;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A directory that lock files are in.
 *
 * @param permissions of it if it has to be made, for instance {@code rwx------}
 */
record LockDirectory(Path path, String permissions) {
    /** Makes the directory unless it is there. */
    void make(LockName lock) {
        try {
            if (!Files.isDirectory(path)) {
                Directories.make(path, permissions);
            }
            long owner = FileStatus.of(path).owner();
            // Who may change the directory can take the lock file away while somebody holds it.
            if (owner != 0 && owner != EffectiveUser.id()) {
                throw StorageException.refused(
                        StorageError.PERMISSION_DENIED,
                        lock.complaint() + "the lock directory '" + path + "' belongs to somebody else (uid " + owner
                                + "); let root own it");
            }
        } catch (IOException e) {
            throw lock.failed("can't make directory '" + path + "'", e);
        }
    }
}
