package dev.tenon.it.support;

import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** A call that runs while the test does something else. */
public final class Background<T> {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final FutureTask<T> task;
    private final Thread thread;
    private volatile long ended;

    private Background(Callable<T> call) {
        task = new FutureTask<>(() -> {
            try {
                return call.call();
            } finally {
                ended = System.nanoTime();
            }
        });
        thread = Thread.ofPlatform().daemon().name("background").start(task);
    }

    public static <T> Background<T> of(Callable<T> call) {
        return new Background<>(call);
    }

    /** Waits until a plugin has said that its call is under way. */
    public static void awaitReady(Path file) {
        await("the call is under way")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> Files.exists(file));
    }

    public void interrupt() {
        thread.interrupt();
    }

    /** Whether the thread waits, so that what it was to do until then has been done. */
    public void awaitWaiting() {
        await("the call waits")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .until(() ->
                        thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING);
    }

    public T result() throws Exception {
        try {
            return task.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            thread.interrupt();
            throw new AssertionError("the call does not end", e);
        }
    }

    /** What it failed with, which must be of this class. */
    public <E extends Throwable> E failure(Class<E> type) {
        Throwable thrown = thrown();
        if (!type.isInstance(thrown)) {
            throw new AssertionError("not a " + type.getSimpleName() + ": " + thrown, thrown);
        }
        return type.cast(thrown);
    }

    private @Nullable Throwable thrown() {
        try {
            T result = task.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            throw new AssertionError("the call did not fail, it answered " + result);
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (TimeoutException e) {
            thread.interrupt();
            throw new AssertionError("the call does not end", e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** When it ended, as {@link System#nanoTime}. */
    public long ended() {
        return ended;
    }
}
