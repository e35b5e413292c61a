package dev.tenon.bridge.codec;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.WireError;
import java.util.Optional;

/**
 * A storage call failed on the far side of a connection. The message names the call; {@link #dieText()} is the plugin's
 * own text, if it died, and goes to a Perl caller unchanged.
 */
public final class RemoteStorageException extends StorageException {
    private static final long serialVersionUID = 1L;

    private final transient WireError wireError;

    public RemoteStorageException(StorageError error, Outcome outcome, String message, WireError wireError) {
        super(error, outcome, message);
        this.wireError = wireError;
    }

    /** What the plugin died with, unchanged, mostly with a newline at its end; absent if it did not die. */
    public Optional<String> dieText() {
        return wireError.dieText();
    }

    /** The error as it came. */
    public WireError wireError() {
        return wireError;
    }
}
