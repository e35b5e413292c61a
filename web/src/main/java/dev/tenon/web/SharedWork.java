package dev.tenon.web;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * Does what several browsers ask for once, on a few threads of its own, and keeps the result for a moment. Work that hangs
 * keeps its thread, and whoever asks for the same waits for it and does not begin it again.
 */
final class SharedWork implements AutoCloseable {
    private final Duration fresh;
    private final Duration patience;
    private final ThreadPoolExecutor threads;
    private final Map<String, Result> results = new ConcurrentHashMap<>();

    private record Result(CompletableFuture<Response> answer, long begin) {}

    /**
     * @param fresh how long a result is given to others, from when it was begun
     * @param patience how long whoever asks waits
     */
    SharedWork(String name, int threads, Duration fresh, Duration patience) {
        this.fresh = fresh;
        this.patience = patience;
        this.threads = new ThreadPoolExecutor(
                0,
                threads,
                10,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                Thread.ofPlatform().daemon().name(name, 0).factory());
    }

    /**
     * The result, for whoever asks under this key.
     *
     * @param work makes it, and answers for its own failures
     * @return empty if it was not there in time, or all threads are in use
     */
    Optional<Response> result(String key, Supplier<Response> work) {
        long now = System.nanoTime();
        results.values().removeIf(result -> result.answer().isDone() && now - result.begin() > fresh.toNanos());
        try {
            CompletableFuture<Response> answer =
                    results.computeIfAbsent(key, ignored -> begin(work, now)).answer();
            return Optional.of(answer.get(patience.toMillis(), TimeUnit.MILLISECONDS));
        } catch (TimeoutException | RejectedExecutionException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    private Result begin(Supplier<Response> work, long now) {
        CompletableFuture<Response> answer = new CompletableFuture<>();
        threads.execute(() -> {
            try {
                answer.complete(work.get());
            } catch (RuntimeException | Error e) {
                answer.completeExceptionally(e);
            }
        });
        return new Result(answer, now);
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
