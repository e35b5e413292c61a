package dev.tenon.core.failure;

import java.util.function.Supplier;

/**
 * Work that is to be done although its thread was interrupted, as taking back what an interrupted operation has begun: it may
 * have to wait. The thread is interrupted again afterwards, so that its caller learns of it.
 */
public final class Uninterrupted {
    private Uninterrupted() {}

    /** What the work gives or throws. */
    public static <T> T call(Supplier<T> work) {
        boolean wasInterrupted = Thread.interrupted();
        try {
            return work.get();
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** The same of work that gives nothing. */
    public static void run(Runnable work) {
        boolean wasInterrupted = Thread.interrupted();
        try {
            work.run();
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
