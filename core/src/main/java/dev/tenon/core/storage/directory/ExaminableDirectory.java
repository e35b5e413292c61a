package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import java.util.List;
import java.util.Map;

/**
 * What interrupted work leaves in storages that are directories.
 *
 * @param plugin whose storages they are
 */
record ExaminableDirectory(DirectoryPlugin plugin) implements Examinable {
    @Override
    public List<Finding> examine(Storage storage, List<Interruption> interruptions) {
        return new Examination(plugin.at(storage), plugin.creation(storage)).run(interruptions);
    }

    @Override
    public Map<String, String> witness(Storage storage, VolumeName volume) {
        try {
            return Witness.of(plugin.at(storage).file(volume, null));
        } catch (StorageException e) {
            return Map.of(); // the operation itself tells what is wrong
        }
    }
}
