package dev.tenon.core.storage.common;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.function.BooleanSupplier;

/** What can be seen of a change whose command failed without saying what it had done. */
public final class SeenEffect {
    private SeenEffect() {}

    /**
     * The failure, with what can be seen of its effect.
     *
     * @param isUnchanged looks, unless the outcome is known or nobody waits any more; a look that fails leaves it unknown
     * @return {@code FAILED_CLEAN} if nothing was changed, else the same failure
     */
    public static StorageException of(StorageException failure, BooleanSupplier isUnchanged) {
        if (failure.outcome() != Outcome.UNKNOWN || failure.error() == StorageError.CANCELLED) {
            return failure;
        }
        try {
            return isUnchanged.getAsBoolean()
                    ? new StorageException(failure.error(), Outcome.FAILED_CLEAN, failure.getMessage(), failure)
                    : failure;
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return failure;
        }
    }
}
