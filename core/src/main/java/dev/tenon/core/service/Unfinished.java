package dev.tenon.core.service;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;

/** A volume whose content did not come: it is none. */
final class Unfinished {
    private Unfinished() {}

    /**
     * Removes it, under the lock of its storage.
     *
     * @return the failure of what should have filled it: nothing is left, or its message names what is
     */
    static StorageException removed(
            Configured target, Locks locks, VolumeName volume, Format format, StorageException failure) {
        // What failed may have been interrupted, which must not keep the removal from waiting for anything.
        boolean wasInterrupted = Thread.interrupted();
        try {
            StorageLock.hold(target, locks, () -> target.plugin().freeImage(target.storage(), volume, false, format))
                    .ifPresent(Cleanup::run);
            return new StorageException(failure.error(), Outcome.FAILED_CLEAN, failure.getMessage(), failure);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return new StorageException(
                    failure.error(),
                    Outcome.UNKNOWN,
                    failure.getMessage() + "; the unfinished volume '" + target.id() + ":" + volume
                            + "' is left, remove it",
                    failure);
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
