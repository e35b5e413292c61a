package dev.tenon.core.command;

import java.time.Duration;
import org.apache.commons.exec.ExecuteWatchdog;
import org.apache.commons.exec.Watchdog;
import org.jspecify.annotations.Nullable;

/** Ends a process at its deadline with SIGKILL: SIGTERM alone leaves us waiting for one that ignores it. */
final class KillingWatchdog extends ExecuteWatchdog {
    private volatile @Nullable Process watched;

    @SuppressWarnings("deprecation") // the builder of ExecuteWatchdog cannot build a subclass
    KillingWatchdog(Duration deadline) {
        super(deadline.toMillis());
    }

    @Override
    public synchronized void start(Process processToMonitor) {
        watched = processToMonitor;
        super.start(processToMonitor);
    }

    boolean hasStarted() {
        return watched != null;
    }

    @Override
    public synchronized void timeoutOccured(Watchdog watchdog) {
        super.timeoutOccured(watchdog);
        Process process = watched;
        if (process != null) {
            process.destroyForcibly();
        }
    }
}
