package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.VolumeName;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * What interrupted work leaves in storages of a type.
 *
 * @param examination of one storage, with the operations that were interrupted there
 */
record ExaminableGroup(BiFunction<Storage, List<Interruption>, Examination> examination) implements Examinable {
    @Override
    public List<Finding> examine(Storage storage, List<Interruption> interruptions) {
        return examination.apply(storage, interruptions).run();
    }

    /** The names alone tell. */
    @Override
    public Map<String, String> witness(Storage storage, VolumeName volume) {
        return Map.of();
    }
}
