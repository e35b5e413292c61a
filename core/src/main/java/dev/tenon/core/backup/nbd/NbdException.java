package dev.tenon.core.backup.nbd;

import java.io.IOException;
import java.io.Serial;

/**
 * A request that an NBD server refused, or a connection that is no longer usable ({@link NbdError#CONNECTION_LOST}). After a
 * refusal the connection goes on. After a lost connection a read has had no effect, and of a write, trim or flush it is not
 * known whether it took effect; connect anew.
 */
public final class NbdException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final NbdError error;

    public NbdException(NbdError error, String message) {
        super(message);
        this.error = error;
    }

    NbdException(String message, IOException cause) {
        super(message, cause);
        this.error = NbdError.CONNECTION_LOST;
    }

    static NbdException lost(String message) {
        return new NbdException(NbdError.CONNECTION_LOST, message);
    }

    public NbdError error() {
        return error;
    }
}
