package dev.tenon.core.storage.common;

import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** A volume whose content did not arrive. */
public final class Unfinished {
    private Unfinished() {}

    /**
     * Removes it.
     *
     * @param locked runs the removal, under the lock of the storage if its host has one
     * @return the failure of what should have filled it: nothing is left, or its message names what is
     */
    public static StorageException removed(
            StoragePlugin plugin,
            Storage storage,
            VolumeName volume,
            Format format,
            StorageException failure,
            Consumer<Runnable> locked) {
        return removed(
                () -> {
                    AtomicReference<Optional<Cleanup>> left = new AtomicReference<>(Optional.empty());
                    locked.accept(() -> left.set(plugin.freeImage(storage, volume, false, format)));
                    left.get().ifPresent(Cleanup::run);
                },
                "volume '" + storage.id() + ":" + volume + "'",
                failure);
    }

    /**
     * The same, removed in another way.
     *
     * @param removal throws a {@link StorageException} if something is left
     * @param what is being removed, as people know it
     */
    public static StorageException removed(Runnable removal, String what, StorageException failure) {
        // The work may have been interrupted, but the removal must be able to wait.
        try {
            Uninterrupted.run(removal);
            return new StorageException(failure.error(), Outcome.FAILED_CLEAN, failure.getMessage(), failure);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return new StorageException(
                    failure.error(),
                    Outcome.UNKNOWN,
                    failure.getMessage() + "; the unfinished " + what + " is left, remove it",
                    failure);
        }
    }
}
