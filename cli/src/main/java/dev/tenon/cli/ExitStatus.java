package dev.tenon.cli;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageException;
import java.io.PrintWriter;

/** How commands end, for scripts. */
public final class ExitStatus {
    public static final int DONE = 0;
    /** It failed, and nothing is changed. */
    public static final int FAILED = 1;

    public static final int WRONG_USAGE = 2;
    /** It failed, and may have changed something: look before it is repeated. */
    public static final int UNKNOWN = 3;

    private ExitStatus() {}

    /** Tells why a command failed, in one sentence. */
    public static int failed(PrintWriter err, Exception failure) {
        return failed(err, failure, false);
    }

    /** Tells why a command failed that may only have read; then it has changed nothing, however it ended. */
    public static int failed(PrintWriter err, Exception failure, boolean isReading) {
        if (!(failure instanceof StorageException storage)) {
            err.println("tenon: " + (failure.getMessage() == null ? failure.toString() : failure.getMessage()));
            return FAILED;
        }
        Outcome outcome = isReading && storage.outcome() == Outcome.UNKNOWN ? Outcome.FAILED_CLEAN : storage.outcome();
        err.println("tenon: " + storage.getMessage() + " [" + storage.error() + ", " + outcome + "]");
        return outcome == Outcome.UNKNOWN ? UNKNOWN : FAILED;
    }
}
