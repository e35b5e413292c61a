package dev.tenon.core.stream;

import dev.tenon.core.linux.DataFlow;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Moves bytes on a platform thread of its own: the kernel's calls would hold the carrier of a virtual thread, and with it
 * everybody else's calls.
 */
final class Pump<T> {
    private static final AtomicLong NUMBERS = new AtomicLong();
    private static final Duration LOOK = Duration.ofMillis(100);
    /** A thread that watches the pace has ended within this time. */
    private static final Duration GRACE = Duration.ofMillis(500);

    private static final Duration LONGEST_END = Duration.ofSeconds(30);

    private final Pace pace;
    private final Descriptor peer;
    private final CompletableFuture<T> result = new CompletableFuture<>();

    /** The work of the thread. */
    interface Work<T> {
        T run(DataFlow flow) throws IOException;

        /** It has failed, perhaps before it ran; its waiters do not know yet. */
        default void failed() {}
    }

    private Pump(Pace pace, Descriptor peer) {
        this.pace = pace;
        this.peer = peer;
    }

    /**
     * Begins.
     *
     * @param peer the end of the stream, at which the thread may wait in the kernel
     */
    static <T> Pump<T> start(Pace pace, Descriptor peer, Work<T> work) {
        Pump<T> pump = new Pump<>(pace, peer);
        Thread.ofPlatform().daemon().name("stream-" + NUMBERS.incrementAndGet()).start(() -> pump.run(work));
        return pump;
    }

    private void run(Work<T> work) {
        try (DataFlow flow = new DataFlow()) {
            pace.refuseCancelled();
            result.complete(work.run(flow));
        } catch (IOException e) {
            fail(work, pace.isCancelled() ? pace.cancelled() : pace.failed(e));
        } catch (RuntimeException | Error e) {
            fail(work, e);
        }
    }

    private void fail(Work<T> work, Throwable failure) {
        try {
            work.failed();
        } finally {
            result.completeExceptionally(failure);
        }
    }

    /**
     * Waits for its end. An interrupt of this thread cancels the transfer; the thread stays interrupted.
     *
     * @throws StorageException what it failed with
     */
    T join() {
        boolean wasInterrupted = false;
        long stopped = 0;
        try {
            while (true) {
                try {
                    return result.get(LOOK.toMillis(), TimeUnit.MILLISECONDS);
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                    pace.cancel("it was interrupted");
                } catch (TimeoutException e) {
                    stopped = stop(stopped);
                } catch (ExecutionException e) {
                    switch (e.getCause()) {
                        case RuntimeException thrown -> throw thrown;
                        case Error thrown -> throw thrown;
                        case null, default -> throw new IllegalStateException(e);
                    }
                }
            }
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Helps a thread out of the kernel that should have ended; returns since when it should. */
    private long stop(long since) {
        boolean isStalled = pace.isStalled(GRACE);
        if (!pace.isCancelled() && !isStalled) {
            return 0;
        }
        long now = System.nanoTime();
        if (since == 0) {
            return now;
        }
        if (now - since > LONGEST_END.toNanos()) {
            StorageException failure = isStalled ? pace.stalled() : pace.cancelled();
            throw new StorageException(
                    failure.error(),
                    Outcome.UNKNOWN,
                    failure.getMessage() + "; its thread still waits for the disk or for the other end");
        }
        if (now - since > GRACE.toNanos()) {
            if (isStalled) {
                pace.cancel("the other end does not move");
            }
            disconnectSocket();
        }
        return since;
    }

    private void disconnectSocket() {
        try {
            if (peer.isOpen() && peer.kind() == Descriptor.Kind.SOCKET) {
                peer.disconnect();
            }
        } catch (IOException e) {
            throw new StorageException(StorageError.INTERNAL, Outcome.UNKNOWN, "the stream cannot be looked at", e);
        }
    }
}
