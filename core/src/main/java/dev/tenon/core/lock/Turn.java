package dev.tenon.core.lock;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Lets the threads of this process that want the same lock at it one after the other, in the order they came. */
final class Turn {
    private final ReentrantLock lock = new ReentrantLock(true);

    /** Whether it is the calling thread's turn. */
    boolean isOwn() {
        return lock.isHeldByCurrentThread();
    }

    /** Runs the work when it is the calling thread's turn, which it must not be already. */
    <T extends @Nullable Object> T await(Patience patience, LockName name, Supplier<T> work) {
        if (isOwn()) {
            throw name.heldByItself();
        }
        try {
            if (!lock.tryLock(Math.max(patience.left(), 0), TimeUnit.NANOSECONDS)) {
                throw name.timedOut();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw name.interrupted();
        }
        try {
            return work.get();
        } finally {
            lock.unlock();
        }
    }
}
