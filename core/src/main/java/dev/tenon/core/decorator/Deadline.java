package dev.tenon.core.decorator;

import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * No call takes longer than its operation may. A call that is late is interrupted and fails with
 * {@code DEADLINE_EXCEEDED}; its outcome is {@code UNKNOWN}.
 */
public final class Deadline implements Decorator {
    private final Function<String, Duration> limits;

    /**
     * With these limits.
     *
     * @param limits how long an operation may take, by the name of its method
     */
    public Deadline(Function<String, Duration> limits) {
        this.limits = limits;
    }

    /** With the same limit for every operation. */
    public static Deadline of(Duration limit) {
        return new Deadline(operation -> limit);
    }

    @Override
    public @Nullable Object around(Call<?> call, Supplier<@Nullable Object> next) {
        Duration limit = limits.apply(call.operation());
        CompletableFuture<@Nullable Object> answer = new CompletableFuture<>();
        Host host = Host.calling();
        Thread worker = Thread.ofPlatform()
                .daemon()
                .name("deadline-" + call.operation())
                .start(() -> {
                    try {
                        answer.complete(host.call(next));
                    } catch (RuntimeException | Error e) {
                        answer.completeExceptionally(e);
                    }
                });
        try {
            return answer.get(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException thrown -> throw thrown;
                case Error thrown -> throw thrown;
                case null, default -> throw new IllegalStateException(e);
            }
        } catch (TimeoutException e) {
            worker.interrupt();
            throw new StorageException(
                    StorageError.DEADLINE_EXCEEDED,
                    Outcome.UNKNOWN,
                    call + " took longer than " + limit.toMillis() + " ms; whether it took effect is not known",
                    e);
        } catch (InterruptedException e) {
            worker.interrupt();
            Thread.currentThread().interrupt();
            throw new StorageException(StorageError.CANCELLED, Outcome.UNKNOWN, call + " was cancelled", e);
        }
    }
}
