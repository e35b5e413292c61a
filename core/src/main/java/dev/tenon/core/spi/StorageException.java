package dev.tenon.core.spi;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A storage call failed. This is the class of every failure: {@link #error()} says why, {@link #outcome()} says what is
 * known about the effect, and the message is one sentence that contains the offending value, without a trailing newline.
 */
public class StorageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final StorageError error;
    private final Outcome outcome;

    public StorageException(StorageError error, Outcome outcome, String message) {
        this(error, outcome, message, null);
    }

    public StorageException(StorageError error, Outcome outcome, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.error = Objects.requireNonNull(error, "error");
        this.outcome = Objects.requireNonNull(outcome, "outcome");
    }

    /** A refusal made before anything was done. */
    public static StorageException refused(StorageError error, String message) {
        return new StorageException(error, Outcome.NOT_STARTED, message);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }

    /**
     * What a host is told: the words of the plugin alone, where it is a plugin far away that failed and the message says
     * more than that.
     */
    public String hostText() {
        return getMessage();
    }

    public StorageError error() {
        return error;
    }

    public Outcome outcome() {
        return outcome;
    }
}
