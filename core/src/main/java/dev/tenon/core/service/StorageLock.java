package dev.tenon.core.service;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Work under the lock of a storage: its plugin's own, or else the one that PVE takes. */
final class StorageLock<T> implements Runnable {
    private final Supplier<T> work;
    private volatile boolean hasStarted;
    private volatile @Nullable T result;
    private volatile @Nullable StorageException failure;

    private StorageLock(Supplier<T> work) {
        this.work = work;
    }

    static <T> T hold(Configured configured, Locks locks, Supplier<T> work) {
        StorageLock<T> once = new StorageLock<>(work);
        try {
            configured.plugin().lockStorage(configured.id(), configured.isShared(), null, once);
        } catch (StorageException e) {
            if (!once.hasStarted && e.error() == StorageError.NOT_SUPPORTED) {
                return locks.storage(configured.id(), configured.isShared()).hold(null, work);
            }
            // What the work threw may have come back through another language.
            throw once.failure == null ? e : once.failure;
        }
        if (once.failure != null) {
            throw once.failure;
        }
        T result = once.result;
        if (result == null) {
            throw new StorageException(
                    StorageError.BAD_RESULT,
                    Outcome.NOT_STARTED,
                    "the plugin of storage '" + configured.id() + "' did not run what was to run under its lock");
        }
        return result;
    }

    @Override
    public void run() {
        hasStarted = true;
        try {
            result = work.get();
        } catch (StorageException e) {
            failure = e;
            throw e;
        }
    }

    /** What runs something while the lock is held. */
    static Consumer<Runnable> around(Configured configured, Locks locks) {
        return work -> hold(configured, locks, () -> {
            work.run();
            return true;
        });
    }
}
