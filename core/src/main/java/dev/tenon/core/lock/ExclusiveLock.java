package dev.tenon.core.lock;

import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Lets one run something while all others who use the same lock wait: threads, processes and, if shared, nodes. */
@FunctionalInterface
public interface ExclusiveLock {
    /**
     * Runs the work in the calling thread while holding the lock, and returns its result or throws what it throws.
     *
     * @param timeout how long to wait for the lock, null for 10 seconds; zero or less tries once
     * @throws dev.tenon.core.spi.StorageException {@code NOT_STARTED}: {@code IN_USE} if the lock cannot be taken in time,
     *     {@code CANCELLED} if the thread is interrupted while it waits (and stays interrupted), {@code PERMISSION_DENIED}
     *     or {@code STORAGE_UNAVAILABLE} if there can be no lock
     */
    <T extends @Nullable Object> T hold(@Nullable Duration timeout, Supplier<T> work);
}
