package dev.tenon.core.compare;

import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeInfo;
import java.util.List;

/** The images in a storage that was made for a comparison. */
final class ScratchVolumes {
    private ScratchVolumes() {}

    /** All of them; none if the plugin cannot tell, which the comparison of the lists shows. */
    static List<VolumeInfo> of(StoragePlugin plugin, Storage storage) {
        try {
            return plugin.listImages(storage, ImageFilter.all(), OperationCache.create());
        } catch (StorageException e) {
            return List.of();
        }
    }

    /** Frees all that can be freed, clones before what they are clones of. */
    static void free(StoragePlugin plugin, Storage storage) {
        int before = Integer.MAX_VALUE;
        List<VolumeInfo> there = of(plugin, storage);
        while (!there.isEmpty() && there.size() < before) {
            before = there.size();
            for (VolumeInfo volume : there) {
                Answer.of(() -> new Step.Free(volume.volid().volume()).make(plugin, storage));
            }
            there = of(plugin, storage);
        }
    }
}
