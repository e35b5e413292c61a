package dev.tenon.core.route;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A plugin that shares nothing with the other one in the cache of an operation: two versions of a plugin may keep different
 * things under the same key.
 */
final class OwnCaches extends DelegatingPlugin {
    private static final String KEY = "dev.tenon.core.route";

    private final StoragePlugin plugin;

    OwnCaches(StoragePlugin plugin) {
        this.plugin = plugin;
    }

    private static OperationCache own(OperationCache cache) {
        return cache.get(KEY, OperationCache.class, () -> OperationCache.of(cache.id() + "-new"));
    }

    @Override
    protected <T extends @Nullable Object> T make(Call<T> call) {
        return call.on(plugin);
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        return super.listImages(storage, filter, own(cache));
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return super.status(storage, own(cache));
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        super.activateStorage(storage, own(cache));
    }

    @Override
    public void deactivateStorage(Storage storage, OperationCache cache) {
        super.deactivateStorage(storage, own(cache));
    }

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        super.activateVolume(storage, volume, snapshot, own(cache), hints);
    }

    @Override
    public void deactivateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {
        super.deactivateVolume(storage, volume, snapshot, own(cache));
    }
}
