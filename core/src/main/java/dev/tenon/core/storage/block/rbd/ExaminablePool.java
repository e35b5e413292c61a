package dev.tenon.core.storage.block.rbd;

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
 * @param images those of a storage
 */
record ExaminablePool(Function<Storage, Images> images) implements Examinable {
    @Override
    public List<Finding> examine(Storage storage, List<Interruption> interruptions) {
        return new Examination(images.apply(storage), interruptions).run();
    }

    /** Names and snapshots alone tell. */
    @Override
    public Map<String, String> witness(Storage storage, VolumeName volume) {
        return Map.of();
    }
}
