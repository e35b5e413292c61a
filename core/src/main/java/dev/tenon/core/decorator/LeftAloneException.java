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

    /** Whether a storage said nothing, which is something else than that it is unavailable, or its plugin crashed. */
    static boolean isSilence(StorageException e) {
        return e instanceof LeftAloneException || e.error() == StorageError.DEADLINE_EXCEEDED;
    }

    /** Whether nobody could ask the storage, for instance because this process may open no more files. */
    static boolean isNotAsked(StorageException e) {
        return e.error() == StorageError.SIDECAR_FAILED && e.outcome() == Outcome.NOT_STARTED;
    }

    /** Whether no answer of the storage came, for whatever reason. */
    static boolean isNoAnswer(StorageException e) {
        return isSilence(e) || e.error() == StorageError.SIDECAR_FAILED || e.error() == StorageError.PLUGIN_BUSY;
    }
}
