package dev.tenon.core.service;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * Asks several storages at the same time, each on a thread of its own. One that hangs in the kernel cannot be interrupted:
 * after its limit it is left behind, and the others go on.
 */
final class AtOnce {
    private AtOnce() {}

    /**
     * Asks all of them.
     *
     * @param limit how long each may take
     * @param question asks one; it must change nothing, since nobody waits for a late answer
     */
    static <T> Map<StorageId, Answer<T>> ask(
            Collection<StorageId> storages, Duration limit, Function<StorageId, T> question) {
        long deadline = System.nanoTime() + limit.toNanos();
        Map<StorageId, Asked<T>> asked = new LinkedHashMap<>();
        for (StorageId storage : storages) {
            asked.computeIfAbsent(storage, each -> begin(each, question));
        }
        Map<StorageId, Answer<T>> answers = new LinkedHashMap<>();
        try {
            asked.forEach((storage, one) -> answers.put(storage, await(storage, one.answer(), deadline, limit)));
        } catch (StorageException e) {
            // Nobody waits for the others either.
            asked.values().forEach(one -> one.thread().interrupt());
            throw e;
        }
        return answers;
    }

    private record Asked<T>(CompletableFuture<T> answer, Thread thread) {}

    private static <T> Asked<T> begin(StorageId storage, Function<StorageId, T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        Thread thread = Thread.ofPlatform().daemon().name("ask-" + storage).start(() -> {
            try {
                answer.complete(question.apply(storage));
            } catch (RuntimeException | Error e) {
                answer.completeExceptionally(e);
            }
        });
        return new Asked<>(answer, thread);
    }

    private static <T> Answer<T> await(StorageId storage, CompletableFuture<T> answer, long deadline, Duration limit) {
        try {
            return new Answer.Given<>(
                    storage, answer.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS));
        } catch (ExecutionException e) {
            return switch (e.getCause()) {
                case StorageException refused -> new Answer.Refused<>(storage, refused);
                case RuntimeException thrown -> throw thrown;
                case Error thrown -> throw thrown;
                case null, default -> throw new IllegalStateException(e);
            };
        } catch (TimeoutException e) {
            return new Answer.Refused<>(
                    storage,
                    new StorageException(
                            StorageError.DEADLINE_EXCEEDED,
                            Outcome.FAILED_CLEAN,
                            "storage '" + storage + "' has not answered within " + text(limit)
                                    + "; look at what it waits for (mount, network)",
                            e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException(
                    StorageError.CANCELLED, Outcome.FAILED_CLEAN, "cancelled while it waited for the storages", e);
        }
    }

    private static String text(Duration limit) {
        return limit.toMillisPart() == 0 ? limit.toSeconds() + " s" : limit.toMillis() + " ms";
    }
}
