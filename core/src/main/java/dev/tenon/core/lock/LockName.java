package dev.tenon.core.lock;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;

/**
 * What errors say of a lock that cannot be taken: PVE's words, because other programs look for them.
 *
 * @param complaint what every message begins with
 * @param timeout what it goes on with when the time is over
 * @param opening what it goes on with when the lock file cannot be opened
 */
record LockName(String complaint, String timeout, String opening) {
    static LockName ofFile(Path file) {
        return new LockName("can't lock file '" + file + "' - ", "got timeout", "can't open file");
    }

    /** The cluster's lock of this id, at this place. */
    static LockName ofCluster(String id, Path place) {
        return new LockName(
                "cfs-lock '" + id + "' error: ", "got lock request timeout", "can't open file '" + place + "'");
    }

    StorageException timedOut() {
        return refused(StorageError.IN_USE, timeout);
    }

    StorageException heldByItself() {
        return refused(StorageError.IN_USE, timeout + " (the thread that asks for it holds it already)");
    }

    StorageException interrupted() {
        return refused(StorageError.CANCELLED, "the wait was interrupted");
    }

    StorageException unavailable(String reason) {
        return refused(StorageError.STORAGE_UNAVAILABLE, reason);
    }

    StorageException failed(String doing, IOException failure) {
        // What is not there is the lock file, not what the caller asked for.
        StorageError error = failure instanceof AccessDeniedException
                ? StorageError.PERMISSION_DENIED
                : StorageError.STORAGE_UNAVAILABLE;
        return new StorageException(
                error, Outcome.NOT_STARTED, complaint + doing + " - " + Failures.reason(failure), failure);
    }

    private StorageException refused(StorageError error, String reason) {
        return StorageException.refused(error, complaint + reason);
    }
}
