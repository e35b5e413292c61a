package dev.tenon.web;

import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What takes long to find out, found out at most once in a while. */
final class Remembered<T> implements Supplier<T> {
    private final Supplier<T> source;
    private final Duration fresh;

    // guarded by this
    private @Nullable T value;
    private long time;

    Remembered(Supplier<T> source, Duration fresh) {
        this.source = source;
        this.fresh = fresh;
    }

    @Override
    public synchronized T get() {
        T known = value;
        if (known == null || System.nanoTime() - time > fresh.toNanos()) {
            known = source.get();
            value = known;
            time = System.nanoTime();
        }
        return known;
    }
}
