package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import org.jspecify.annotations.Nullable;

/** A request that was sent and whose answer did not come, or not in whole. */
final class UnansweredException extends StorageException {
    private static final long serialVersionUID = 1L;

    private final boolean hasBegun;

    UnansweredException(
            StorageError error, Outcome outcome, String message, boolean hasBegun, @Nullable Throwable cause) {
        super(error, outcome, message, cause);
        this.hasBegun = hasBegun;
    }

    /** Whether the answer had begun, so that the request is over. */
    boolean hasBegun() {
        return hasBegun;
    }
}
