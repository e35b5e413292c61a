package dev.tenon.bridge.serve;

import dev.tenon.bridge.codec.Errors;
import dev.tenon.bridge.session.RemoteCallException;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.Value;
import java.util.concurrent.TimeoutException;

/** Work that another process does for a call of this one. */
final class FarWork {
    private FarWork() {}

    /**
     * Has it done, and waits for it.
     *
     * @param what it is, for errors
     * @throws StorageException what it failed with, or {@code CANCELLED}, {@code UNKNOWN} if no answer came
     */
    static Value done(Session session, String method, Value.Fields params, CallContext context, String what) {
        try {
            return session.call(method, params, context);
        } catch (RemoteCallException e) {
            throw Errors.fromWire(e.error(), what);
        } catch (SessionClosedException | TimeoutException e) {
            throw new StorageException(
                    StorageError.CANCELLED, Outcome.UNKNOWN, what + " is out of reach: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException(StorageError.CANCELLED, Outcome.UNKNOWN, what + " was interrupted", e);
        }
    }
}
