package dev.tenon.bridge.codec;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.WireError;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one place where an exception becomes an error on the wire, and back. Kinds and codes have the same names. */
public final class Errors {
    private static final Logger LOG = LoggerFactory.getLogger(Errors.class);

    private Errors() {}

    /** What the peer gets when a call throws. */
    public static WireError toWire(Throwable thrown, String origin, String method) {
        return switch (thrown) {
            case RemoteStorageException remote -> remote.wireError();
            case StorageException storage ->
                WireError.of(
                        ErrorCode.valueOf(storage.error().name()),
                        dev.tenon.proto.Outcome.valueOf(storage.outcome().name()),
                        origin,
                        message(storage, method));
            case ProtocolException protocol ->
                WireError.of(protocol.code(), dev.tenon.proto.Outcome.NOT_STARTED, origin, message(protocol, method));
            case Throwable other -> {
                LOG.error("method={} event=defect", method, other);
                yield WireError.of(
                        ErrorCode.INTERNAL,
                        dev.tenon.proto.Outcome.UNKNOWN,
                        origin,
                        method + ": a defect in Tenon: " + other + "; the daemon's log has the details");
            }
        };
    }

    private static String message(Throwable thrown, String method) {
        String message = thrown.getMessage();
        return message == null ? method + " failed" : message;
    }

    /**
     * What a Java caller gets for an error of the far side.
     *
     * @param what the call, for the message, for instance {@code status of storage 'nas'}
     */
    public static StorageException fromWire(WireError error, String what) {
        String name = error.errorCode().name();
        StorageError kind = Arrays.stream(StorageError.values())
                .filter(candidate -> candidate.name().equals(name))
                .findFirst()
                .orElse(StorageError.INTERNAL);
        return new RemoteStorageException(
                kind,
                Outcome.valueOf(error.outcome().name()),
                error.message().startsWith(what) ? error.message() : what + ": " + error.message(),
                error);
    }
}
