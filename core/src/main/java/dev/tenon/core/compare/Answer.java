package dev.tenon.core.compare;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What a plugin said to a call. */
public sealed interface Answer {
    /** How long the plugin took. */
    Duration time();

    /**
     * The call was answered.
     *
     * @param value as the method of {@link StoragePlugin} returns it, null for one that returns nothing
     */
    record Value(@Nullable Object value, Duration time) implements Answer {}

    /**
     * The call failed.
     *
     * @param text what a host is told
     */
    record Refusal(StorageError error, Outcome outcome, String text, Duration time) implements Answer {}

    /** Makes the call on a plugin. What the plugin throws, a defect too, is its answer. */
    static Answer of(Call<?> call, StoragePlugin plugin) {
        return of(() -> call.on(plugin));
    }

    /** The same with anything that calls a plugin. */
    static Answer of(Supplier<? extends @Nullable Object> call) {
        long begin = System.nanoTime();
        try {
            Object value = call.get();
            return new Value(value, since(begin));
        } catch (RuntimeException e) {
            return ofFailure(e, since(begin));
        }
    }

    /** A call that failed so. */
    static Answer ofFailure(RuntimeException failure, Duration time) {
        return failure instanceof StorageException e
                ? new Refusal(e.error(), e.outcome(), e.hostText(), time)
                : new Refusal(StorageError.INTERNAL, Outcome.UNKNOWN, failure.toString(), time);
    }

    private static Duration since(long begin) {
        return Duration.ofNanos(System.nanoTime() - begin);
    }
}
