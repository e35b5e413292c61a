package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.VolumeName;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * What interrupted work leaves in a pool.
 *
 * @param datasets those of a storage
 */
record ExaminablePool(Function<Storage, Datasets> datasets) implements Examinable {
    @Override
    public List<Finding> examine(Storage storage, List<Interruption> interruptions) {
        return new Examination(datasets.apply(storage), interruptions).run();
    }

    /** Names and snapshots alone tell. */
    @Override
    public Map<String, String> witness(Storage storage, VolumeName volume) {
        return Map.of();
    }
}
