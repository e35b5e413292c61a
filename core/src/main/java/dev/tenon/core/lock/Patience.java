package dev.tenon.core.lock;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** How long somebody still waits for a lock. */
final class Patience {
    private static final Duration USUAL = Duration.ofSeconds(10);
    private static final Duration LONGEST = Duration.ofDays(365);

    private final long end;

    /** Begins now; null means the usual time. */
    Patience(@Nullable Duration timeout) {
        Duration wanted = timeout == null ? USUAL : timeout;
        end = System.nanoTime() + (wanted.compareTo(LONGEST) < 0 ? wanted : LONGEST).toNanos();
    }

    /** Nanoseconds; zero or less if it has ended. */
    long left() {
        return end - System.nanoTime();
    }
}
