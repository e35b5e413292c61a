package dev.tenon.core.command;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A question that many ask at the same time and that is asked once for all of them. A caller gets an answer to a question
 * that was asked after its call, so the answer is never older than the call. At most one question runs at a time, so one
 * that hangs does not become many.
 *
 * @param <T> the answer
 */
public final class SharedAnswer<T> {
    private final String name;
    private final Supplier<T> question;
    private @Nullable CompletableFuture<T> running;
    private @Nullable CompletableFuture<T> next;

    /**
     * A question.
     *
     * @param name of the thread that asks it
     * @param question asks it
     */
    public SharedAnswer(String name, Supplier<T> question) {
        this.name = name;
        this.question = question;
    }

    /**
     * Asks.
     *
     * @param limit how long the answer is waited for
     * @throws StorageException what the question throws; {@code STORAGE_UNAVAILABLE} if there is no answer in time; {@code
     *     CANCELLED} if the thread is interrupted, which it stays
     */
    public T ask(Duration limit) {
        try {
            return asked().get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof StorageException failure) {
                throw new StorageException(failure.error(), failure.outcome(), failure.getMessage(), failure);
            }
            throw new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.NOT_STARTED,
                    name + " does not answer: nothing came within " + limit.toSeconds() + " seconds",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException(
                    StorageError.CANCELLED, Outcome.NOT_STARTED, "waiting for " + name + " was interrupted", e);
        }
    }

    private synchronized CompletableFuture<T> asked() {
        if (running == null) {
            CompletableFuture<T> first = new CompletableFuture<>();
            running = first;
            put(first);
            return first;
        }
        CompletableFuture<T> later = next;
        if (later == null) {
            later = new CompletableFuture<>();
            next = later;
        }
        return later;
    }

    private void put(CompletableFuture<T> answer) {
        var _ = Thread.ofPlatform().daemon().name(name).start(() -> {
            try {
                answer.complete(question.get());
            } catch (RuntimeException | Error e) {
                answer.completeExceptionally(e);
            } finally {
                answered();
            }
        });
    }

    private synchronized void answered() {
        CompletableFuture<T> later = next;
        running = later;
        next = null;
        if (later != null) {
            put(later);
        }
    }
}
