package dev.tenon.core.lock;

import java.time.Duration;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Interrupts a thread whose work takes too long, and no other work of that thread. */
final class WorkLimit {
    private final Thread worker = Thread.currentThread();
    private boolean isOver;
    private boolean isExceeded;

    private WorkLimit() {}

    /**
     * Runs the work in the calling thread. If the time is over before the work has ended, the thread is interrupted, and
     * however the work then ends, this throws.
     *
     * @param tooLate makes what is thrown, from what the work threw
     */
    static <T extends @Nullable Object> T run(
            Duration limit, Supplier<T> work, Function<@Nullable Throwable, RuntimeException> tooLate) {
        WorkLimit watch = new WorkLimit();
        Thread watchman = Thread.ofPlatform().daemon().name("work-limit").start(() -> watch.await(limit));
        Throwable thrown = null;
        try {
            T result = work.get();
            if (!watch.end()) {
                return result;
            }
        } catch (RuntimeException | Error e) {
            if (!watch.end()) {
                throw e;
            }
            thrown = e;
        } finally {
            watchman.interrupt();
        }
        throw tooLate.apply(thrown);
    }

    private void await(Duration limit) {
        try {
            Thread.sleep(limit);
        } catch (InterruptedException e) {
            return;
        }
        synchronized (this) {
            if (!isOver) {
                isExceeded = true;
                worker.interrupt();
            }
        }
    }

    /** Ends the watch; returns whether it was too late. */
    private synchronized boolean end() {
        isOver = true;
        if (isExceeded) {
            Thread.interrupted();
        }
        return isExceeded;
    }
}
