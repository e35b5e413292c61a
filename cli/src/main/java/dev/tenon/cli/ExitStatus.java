package dev.tenon.cli;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Model.UsageMessageSpec;

/** How commands end, for scripts. */
public final class ExitStatus {
    public static final int DONE = 0;
    /** It failed, and nothing is changed. */
    public static final int FAILED = 1;

    public static final int WRONG_USAGE = 2;
    /** It failed, and may have changed something: look before it is repeated. */
    public static final int UNKNOWN = 3;

    private ExitStatus() {}

    /** Adds the meaning of the exit statuses to the help of every command that does not say it itself. */
    static void tell(CommandLine line) {
        UsageMessageSpec usage = line.getCommandSpec().usageMessage();
        boolean isTold = !usage.exitCodeList().isEmpty()
                || Arrays.stream(usage.footer()).anyMatch(text -> text.contains("Exit status"));
        if (!isTold) {
            Map<String, String> meanings = new LinkedHashMap<>();
            meanings.put("0", "done");
            meanings.put("1", "failed; the reason is on standard error");
            meanings.put("2", "wrong usage, nothing was done");
            usage.exitCodeListHeading("%nExit status:%n").exitCodeList(meanings);
        }
        line.getSubcommands().values().forEach(ExitStatus::tell);
    }

    /** Tells why a command failed, in one sentence. */
    public static int failed(PrintWriter err, Exception failure) {
        return failed(err, failure, false);
    }

    /** Tells why a command failed that may only have read; then it has changed nothing, however it ended. */
    public static int failed(PrintWriter err, Exception failure, boolean isReading) {
        if (!(failure instanceof StorageException storage)) {
            err.println("tenon: " + reason(failure));
            return FAILED;
        }
        Outcome outcome = isReading && storage.outcome() == Outcome.UNKNOWN ? Outcome.FAILED_CLEAN : storage.outcome();
        err.println("tenon: " + storage.getMessage() + " [" + storage.error() + ", " + outcome + "]");
        return outcome == Outcome.UNKNOWN ? UNKNOWN : FAILED;
    }

    private static String reason(Exception failure) {
        if (failure instanceof UncheckedIOException && failure.getCause() instanceof IOException cause) {
            return reason(cause);
        }
        // The JDK says for many of them which file it is, and nothing else.
        if (failure instanceof FileSystemException file && file.getReason() == null) {
            return "'" + file.getFile() + "': " + Failures.reason(file);
        }
        return failure.getMessage() == null ? failure.toString() : failure.getMessage();
    }
}
