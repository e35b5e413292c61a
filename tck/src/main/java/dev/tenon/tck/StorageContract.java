package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import org.junit.jupiter.api.Test;

/** The storage as a whole. */
interface StorageContract extends Contract {
    @Test
    default void theNumbersOfTheStatusFitTogether() {
        StorageStatus status = subject().plugin().status(subject().storage(), OperationCache.create());
        assertThat(status).isInstanceOfSatisfying(StorageStatus.Active.class, active -> {
            assertThat(active.total().bytes()).isPositive();
            assertThat(active.used()).isLessThanOrEqualTo(active.total());
            assertThat(active.available()).isLessThanOrEqualTo(active.total());
        });
    }

    @Test
    default void aStorageIsActivatedAndDeactivatedAsOftenAsOneLikes() {
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        OperationCache cache = OperationCache.create();
        plugin.activateStorage(storage, cache);
        plugin.activateStorage(storage, cache);
        assertThat(plugin.checkConnection(storage)).isTrue();
        plugin.deactivateStorage(storage, cache);
        plugin.deactivateStorage(storage, cache);
        plugin.activateStorage(storage, OperationCache.create());
        assertThat(plugin.status(storage, OperationCache.create())).isInstanceOf(StorageStatus.Active.class);
    }

    @Test
    default void aStorageThatCannotBeReachedIsInactiveAndCannotBeActivated() {
        StoragePlugin plugin = subject().plugin();
        Storage unreachable = subject().unreachable();
        try {
            assertThat(plugin.status(unreachable, OperationCache.create())).isInstanceOf(StorageStatus.Inactive.class);
        } catch (StorageException e) {
            failing()
                    .clean(() -> plugin.status(unreachable, OperationCache.create()), StorageError.STORAGE_UNAVAILABLE);
        }
        failing()
                .clean(
                        () -> plugin.activateStorage(unreachable, OperationCache.create()),
                        StorageError.STORAGE_UNAVAILABLE,
                        StorageError.BAD_CONFIG);
    }

    @Test
    default void aStorageThatCannotBeReachedHasNoVolumes() {
        try {
            assertThat(subject()
                            .plugin()
                            .listImages(subject().unreachable(), ImageFilter.all(), OperationCache.create()))
                    .isEmpty();
        } catch (StorageException e) {
            failing()
                    .clean(
                            () -> subject()
                                    .plugin()
                                    .listImages(subject().unreachable(), ImageFilter.all(), OperationCache.create()),
                            StorageError.STORAGE_UNAVAILABLE);
        }
    }
}
