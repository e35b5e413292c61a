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
        String message = failure instanceof StorageException storage
                ? storage.getMessage() + " [" + storage.error() + ", " + storage.outcome() + "]"
                : failure.getMessage() == null ? failure.toString() : failure.getMessage();
        err.println("tenon: " + message);
        return failure instanceof StorageException storage && storage.outcome() == Outcome.UNKNOWN ? UNKNOWN : FAILED;
    }
}
