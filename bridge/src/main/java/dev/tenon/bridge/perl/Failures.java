package dev.tenon.bridge.perl;

import dev.tenon.bridge.codec.Errors;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.WireError;
import java.time.Duration;

/** The errors of a plugin's processes. */
final class Failures {
    private Failures() {}

    /**
     * A call that failed on this side.
     *
     * @param what the call in words
     */
    static StorageException of(ErrorCode code, Outcome outcome, String what, String why) {
        return Errors.fromWire(WireError.of(code, outcome, "host", what + ": " + why), what);
    }

    /** The error for a call that broke the contract. If it is the result that is wrong, the call was made. */
    static StorageException of(ProtocolException e, String what) {
        Outcome outcome = e.code() == ErrorCode.BAD_RESULT ? Outcome.UNKNOWN : Outcome.NOT_STARTED;
        return of(e.code(), outcome, what, String.valueOf(e.getMessage()));
    }

    static String seconds(Duration limit) {
        return limit.toMillisPart() == 0 ? limit.toSeconds() + " s" : limit.toMillis() + " ms";
    }
}
