package dev.tenon.core.command;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * What is looked at while a command runs that may wait for something which does not come.
 *
 * @param every how long it is waited for before a look
 * @param look throws what its caller is told; the command is killed then
 */
public record Watch(Duration every, Runnable look) {
    /** Nothing is looked at. */
    public static final Watch NONE = new Watch(Duration.ofDays(3650), () -> {});

    /**
     * Whether a process ends in time.
     *
     * @param kill ends one that does not, or whose look throws
     */
    boolean seesEnd(Process process, Duration deadline, Runnable kill) throws InterruptedException {
        long begin = System.nanoTime();
        while (true) {
            long left = deadline.toNanos() - (System.nanoTime() - begin);
            if (process.waitFor(Math.min(left, every.toNanos()), TimeUnit.NANOSECONDS)) {
                return true;
            }
            if (left <= every.toNanos()) {
                kill.run();
                return false;
            }
            try {
                look.run();
            } catch (RuntimeException e) {
                kill.run();
                throw e;
            }
        }
    }
}
