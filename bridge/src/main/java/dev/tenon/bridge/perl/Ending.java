package dev.tenon.bridge.perl;

import dev.tenon.proto.Value;
import java.util.Map;

/**
 * How a process ended.
 *
 * @param words for errors and the log, for instance {@code ended with exit status 7}
 * @param isGood whether it ended by itself and with status 0
 */
record Ending(String words, boolean isGood) {
    private static final int SIGNALLED = 128;
    private static final int LAST_SIGNAL = 64;
    private static final Map<Long, String> SIGNALS = Map.of(
            1L, "SIGHUP", 2L, "SIGINT", 4L, "SIGILL", 6L, "SIGABRT", 7L, "SIGBUS", 9L, "SIGKILL", 11L, "SIGSEGV", 13L,
            "SIGPIPE", 14L, "SIGALRM", 15L, "SIGTERM");

    /** The ending of a process whose parent is gone too. Only the parent could know more. */
    static final Ending UNKNOWN = new Ending("ended, and it is not known how, because its parent is gone too", false);

    /** As the JDK reports it: a signal is above 128. */
    static Ending ofExitValue(int value) {
        return value > SIGNALLED && value <= SIGNALLED + LAST_SIGNAL
                ? bySignal(value - (long) SIGNALLED)
                : byStatus(value);
    }

    /** As its parent reports it: {@code {"signal": n, "status": n}}. */
    static Ending ofAnswer(Value answer) {
        if (!(answer instanceof Value.Fields fields)
                || !(fields.get("signal") instanceof Value.Int(long signal))
                || !(fields.get("status") instanceof Value.Int(long status))) {
            return UNKNOWN;
        }
        return signal == 0 ? byStatus(status) : bySignal(signal);
    }

    private static Ending byStatus(long status) {
        return new Ending("ended with exit status " + status, status == 0);
    }

    private static Ending bySignal(long signal) {
        return new Ending(
                "was ended by signal " + signal + " (" + SIGNALS.getOrDefault(signal, "unnamed") + ")", false);
    }
}
