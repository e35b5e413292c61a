package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.VolumeName;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The storage as a whole. */
@OfProfile(Profile.CORE)
interface StorageContract extends Contract {
    @Test
    @Check(calls = "status", otherwise = "Watch the free space in another way.")
    default void theNumbersOfTheStatusFitTogether() {
        StorageStatus status = subject().plugin().status(subject().storage(), OperationCache.create());
        assertThat(status).isInstanceOfSatisfying(StorageStatus.Active.class, active -> {
            assertThat(active.total().bytes()).isPositive();
            assertThat(active.used()).isLessThanOrEqualTo(active.total());
            assertThat(active.available()).isLessThanOrEqualTo(active.total());
        });
    }

    @Test
    @Check(
            calls = {"activate_storage", "deactivate_storage", "check_connection"},
            otherwise = "Restart the daemons of PVE after a storage was disabled.")
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
    @Check(
            calls = {"status", "activate_storage", "check_connection"},
            otherwise = "Watch the storage in another way: PVE starts guests on it while it is away.")
    default void aStorageThatCannotBeReachedIsInactiveAndCannotBeActivated() {
        StoragePlugin plugin = subject().plugin();
        Storage unreachable = requiresUnreachable();
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
    @Check(calls = "list_images", otherwise = "Look at the status before a list is believed.")
    default void aStorageThatCannotBeReachedHasNoVolumes() {
        Storage unreachable = requiresUnreachable();
        StoragePlugin plugin = subject().plugin();
        try {
            assertThat(plugin.listImages(unreachable, ImageFilter.all(), OperationCache.create()))
                    .isEmpty();
        } catch (StorageException e) {
            failing()
                    .clean(
                            () -> plugin.listImages(unreachable, ImageFilter.all(), OperationCache.create()),
                            StorageError.STORAGE_UNAVAILABLE);
        }
    }

    @Test
    @Check(
            calls = {"alloc_image", "plugindata"},
            otherwise = "Choose another storage for the disks of guests.")
    default void imagesAreTakenIfThePluginSaysSoAndRefusedOtherwise() {
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        if (subject().keepsImages()) {
            assertThat(plugin.formats(storage).valid()).isNotEmpty();
            return;
        }
        List<VolumeName> wrong = new ArrayList<>();
        try {
            failing()
                    .refused(
                            StorageError.NOT_SUPPORTED,
                            () -> wrong.add(plugin.allocImage(
                                    storage, Images.newGuest(), Format.Image.RAW, null, Images.SIZE)));
        } finally {
            wrong.forEach(volume ->
                    plugin.freeImage(storage, volume, false, Format.Image.RAW).ifPresent(Cleanup::run));
        }
        assertThat(plugin.listImages(storage, ImageFilter.all(), OperationCache.create()))
                .isEmpty();
    }

    private Storage requiresUnreachable() {
        Storage unreachable = subject().unreachable();
        if (unreachable == null) {
            throw new LackingException("no storage is known that cannot be reached");
        }
        return unreachable;
    }
}
