package dev.tenon.web;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is found out again whenever somebody asks, on a thread of its own. While that hangs, nobody waits for it, and what was
 * found out last stands.
 */
final class LastKnown<T> implements Supplier<T> {
    private static final Logger LOG = LoggerFactory.getLogger(LastKnown.class);

    private final String name;
    private final Supplier<T> source;
    private final Duration patience;

    // guarded by this
    private T value;
    private @Nullable CompletableFuture<T> underWay;
    private long begin;

    /**
     * @param name of the thread
     * @param first what is known before anything was found out
     * @param patience how long somebody waits, from when the source was asked
     */
    LastKnown(String name, Supplier<T> source, T first, Duration patience) {
        this.name = name;
        this.source = source;
        this.value = first;
        this.patience = patience;
    }

    @Override
    public T get() {
        CompletableFuture<T> asked;
        long left;
        synchronized (this) {
            if (underWay == null) {
                underWay = begin();
            }
            asked = underWay;
            left = patience.toNanos() - (System.nanoTime() - begin);
        }
        try {
            return asked.get(Math.max(0, left), TimeUnit.NANOSECONDS);
        } catch (TimeoutException | ExecutionException e) {
            return last();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return last();
        }
    }

    private synchronized T last() {
        return value;
    }

    /** Whether the source has been asked for longer than anybody waits. */
    synchronized boolean isLate() {
        return underWay != null && System.nanoTime() - begin > patience.toNanos();
    }

    private CompletableFuture<T> begin() {
        begin = System.nanoTime();
        CompletableFuture<T> answer = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name(name).start(() -> {
            try {
                T found = source.get();
                isOver(found);
                answer.complete(found);
            } catch (RuntimeException | Error e) {
                LOG.error("event=web-failed work={}", name, e);
                isOver(last());
                answer.completeExceptionally(e);
            }
        });
        return answer;
    }

    private synchronized void isOver(T found) {
        value = found;
        underWay = null;
    }
}
