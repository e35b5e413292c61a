package dev.tenon.core.decorator;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;

/** A call that was not made because its storage is silent. */
final class LeftAloneException extends StorageException {
    private static final long serialVersionUID = 1L;

    LeftAloneException(String message) {
        super(StorageError.STORAGE_UNAVAILABLE, Outcome.NOT_STARTED, message);
    }

    /** Whether a storage said nothing, which is something else than that it is unavailable. */
    static boolean isSilence(StorageException e) {
        return e instanceof LeftAloneException
                || e.error() == StorageError.DEADLINE_EXCEEDED
                || e.error() == StorageError.SIDECAR_FAILED;
    }
}
