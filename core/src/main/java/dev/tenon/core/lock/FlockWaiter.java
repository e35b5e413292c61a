package dev.tenon.core.lock;

import dev.tenon.core.linux.Flock;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Waits for a file's lock in the kernel, on a thread of its own, because such waiting cannot be ended. A caller whose time
 * is up leaves it waiting. The next caller takes it over; if nobody does, it releases the lock as soon as it gets it.
 */
final class FlockWaiter {
    private enum State {
        /** Somebody waits for the lock. */
        WANTED,
        /** Nobody does. */
        UNWANTED,
        /** The lock has been taken, or cannot be. */
        DONE
    }

    private final Flock flock;
    private final ReentrantLock monitor = new ReentrantLock();
    private final Condition done = monitor.newCondition();
    private State state = State.WANTED;
    private @Nullable IOException failure;

    private FlockWaiter(Flock flock) {
        this.flock = flock;
    }

    /** Begins to wait, for a caller who awaits it; the waiter closes the lock if it is not handed over. */
    static FlockWaiter start(Flock flock, Path file) {
        FlockWaiter waiter = new FlockWaiter(flock);
        Thread.ofPlatform().daemon().name("lock-" + file.getFileName()).start(waiter::run);
        return waiter;
    }

    private void run() {
        IOException thrown = null;
        try {
            flock.lock();
        } catch (IOException e) {
            thrown = e;
        }
        monitor.lock();
        try {
            if (state == State.UNWANTED || thrown != null) {
                flock.close();
            }
            failure = thrown;
            state = State.DONE;
            done.signal();
        } finally {
            monitor.unlock();
        }
    }

    /** Whether it still waits; then the caller must await it. */
    boolean takeUp() {
        monitor.lock();
        try {
            if (state == State.DONE) {
                return false;
            }
            state = State.WANTED;
            return true;
        } finally {
            monitor.unlock();
        }
    }

    /**
     * The lock, which the caller must close; null if the time was up. Then, and after an interrupt, the waiter goes on for
     * the next caller.
     */
    @Nullable
    Flock await(Patience patience) throws IOException, InterruptedException {
        monitor.lock();
        try {
            while (state == State.WANTED) {
                if (patience.left() <= 0) {
                    state = State.UNWANTED;
                    return null;
                }
                try {
                    done.awaitNanos(patience.left());
                } catch (InterruptedException e) {
                    leave();
                    throw e;
                }
            }
            if (failure != null) {
                throw failure;
            }
            return flock;
        } finally {
            monitor.unlock();
        }
    }

    private void leave() {
        if (state == State.WANTED) {
            state = State.UNWANTED;
        } else if (failure == null) {
            flock.close();
        }
    }
}
