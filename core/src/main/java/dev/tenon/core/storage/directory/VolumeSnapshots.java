package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.SnapshotNames;
import java.nio.file.Path;
import java.util.Map;

/**
 * The snapshots of an image: inside its file, or files of their own where the storage keeps chains.
 *
 * @param at the storage
 */
record VolumeSnapshots(Locations at, VolumeName volume) {
    private Storage storage() {
        return at.storage();
    }

    private boolean hasChains() {
        return SnapshotChain.isUsedBy(storage());
    }

    private ImageLocation image() {
        Format format = at.plugin().parseVolname(volume).format();
        if (format != Format.Image.QCOW2) {
            throw Locations.refusedFor(volume, "can't snapshot this image format (" + format.word() + ")");
        }
        return at.image(volume, "volume_snapshot");
    }

    void take(SnapshotName snapshot) {
        SnapshotNames.refuseUnfit(snapshot);
        ImageLocation image = image();
        if (hasChains()) {
            ChainSnapshots.take(storage(), image, snapshot);
        } else {
            new InternalSnapshots(image).take(snapshot);
        }
    }

    /** As {@link #take}, where the plugin has a method of its own that renames the image to its snapshot. */
    void takeByRenaming(SnapshotName snapshot) {
        SnapshotNames.refuseUnfit(snapshot);
        if (hasChains()) {
            ChainSnapshots.take(
                    storage(),
                    image(),
                    snapshot,
                    (from, to) -> at.plugin().renameSnapshot(storage(), volume, from, to));
        } else {
            take(snapshot);
        }
    }

    Rollback rollbackIsPossible(SnapshotName snapshot) {
        ParsedVolume parsed = at.plugin().parseVolname(volume);
        if (!hasChains() || parsed.format() != Format.Image.QCOW2) {
            return new Rollback.Possible();
        }
        return ChainSnapshots.rollbackIsPossible(SnapshotChain.read(image()), snapshot);
    }

    void rollback(SnapshotName snapshot) {
        ImageLocation image = image();
        if (!hasChains()) {
            new InternalSnapshots(image).apply(snapshot);
            return;
        }
        SnapshotChain chain = SnapshotChain.read(image);
        if (at.plugin().rollbackIsPossible(storage(), volume, snapshot) instanceof Rollback.Blocked blocked) {
            boolean exists = chain.position(snapshot).isPresent();
            throw StorageException.refused(exists ? StorageError.IN_USE : StorageError.NOT_FOUND, blocked.reason());
        }
        ChainSnapshots.rollback(storage(), chain, snapshot);
    }

    void delete(SnapshotName snapshot, boolean isRunning) {
        ImageLocation image = image();
        if (hasChains()) {
            if (isRunning) {
                ChainSnapshots.deleteFile(image, at.file(volume, snapshot), Outcome.FAILED_CLEAN);
            } else {
                ChainSnapshots.delete(SnapshotChain.read(image), snapshot);
            }
        } else if (!isRunning) {
            at.plugin().deactivateVolume(storage(), volume, snapshot, OperationCache.create());
            new InternalSnapshots(image).delete(snapshot);
        }
    }

    Map<String, SnapshotInfo> infos() {
        ImageLocation image = at.image(volume, "volume_snapshot_info");
        if (hasChains() && image.format() != Format.Image.SUBVOL) {
            return SnapshotChain.read(image).infos();
        }
        if (image.format() != Format.Image.QCOW2) {
            image.check();
            return Map.of();
        }
        return new InternalSnapshots(image).infos();
    }

    void rename(SnapshotName from, SnapshotName to) {
        SnapshotNames.refuseTooLong(to); // but 'current': QEMU's commands rename to it and back
        Path source = at.file(volume, from);
        Path target = at.file(volume, to);
        ChainSnapshots.rename(at.image(volume, "rename_snapshot"), source, target, from, to);
    }
}
