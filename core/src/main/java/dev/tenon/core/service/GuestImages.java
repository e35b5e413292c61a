package dev.tenon.core.service;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Images of guests that are made, renamed and removed: their storage is active before, and locked meanwhile. */
record GuestImages(Storages storages, Locks locks, Executor cleanups) {
    private static final Logger LOG = LoggerFactory.getLogger(GuestImages.class);

    VolumeId allocImage(StorageId storage, Vmid owner, @Nullable Format format, @Nullable String name, ByteSize size) {
        StoragePlugin plugin = storages.get(storage).plugin();
        Format wanted =
                format == null ? plugin.formats(storages.get(storage).storage()).preferred() : format;
        return activeAndLocked(
                storage,
                configured ->
                        new VolumeId(storage, plugin.allocImage(configured.storage(), owner, wanted, name, size)));
    }

    VolumeId cloneImage(VolumeId volume, Vmid owner, @Nullable SnapshotName snapshot) {
        return activeAndLocked(
                volume.storage(),
                configured -> new VolumeId(
                        volume.storage(),
                        configured.plugin().cloneImage(configured.storage(), volume.volume(), owner, snapshot)));
    }

    VolumeId createBase(VolumeId volume) {
        return activeAndLocked(
                volume.storage(),
                configured -> new VolumeId(
                        volume.storage(), configured.plugin().createBase(configured.storage(), volume.volume())));
    }

    void freeImage(VolumeId volume) {
        Optional<Cleanup> cleanup = activeAndLocked(volume.storage(), configured -> {
            if (isBaseInUse(configured, volume)) {
                throw StorageException.refused(
                        StorageError.IN_USE, "base volume '" + volume.volume() + "' is still in use by linked clones");
            }
            ParsedVolume parsed = configured.plugin().parseVolname(volume.volume());
            boolean isBase = parsed instanceof ParsedVolume.GuestImage image && image.isBase();
            return configured.plugin().freeImage(configured.storage(), volume.volume(), isBase, parsed.format());
        });
        cleanup.ifPresent(work -> cleanups.execute(() -> {
            try {
                work.run();
            } catch (StorageException e) {
                LOG.error("what was left to do after volume '{}' was removed failed: {}", volume, e.getMessage());
            }
        }));
    }

    private boolean isBaseInUse(Configured configured, VolumeId volume) {
        StoragePlugin plugin = configured.plugin();
        if (!(plugin.parseVolname(volume.volume()) instanceof ParsedVolume.GuestImage base) || !base.isBase()) {
            return false;
        }
        ParsedVolume.Base wanted = new ParsedVolume.Base(base.name(), base.owner());
        return plugin.listImages(configured.storage(), ImageFilter.all(), new Operation(storages).cache()).stream()
                .anyMatch(image -> wanted.equals(baseOf(plugin, image.volid().volume())));
    }

    private static ParsedVolume.@Nullable Base baseOf(StoragePlugin plugin, VolumeName volume) {
        try {
            return plugin.parseVolname(volume) instanceof ParsedVolume.GuestImage image ? image.base() : null;
        } catch (StorageException e) {
            return null; // what has no name of a volume is no clone
        }
    }

    VolumeId renameVolume(VolumeId volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        if (owner == null && name == null) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "no target VMID or target volname provided for volume '" + volume + "'");
        }
        return activeAndLocked(volume.storage(), configured -> {
            Vmid target = owner == null
                    ? configured.plugin().parseVolname(volume.volume()).owner()
                    : owner;
            return configured.plugin().renameVolume(configured.storage(), volume.volume(), target, name);
        });
    }

    void renameSnapshot(VolumeId volume, SnapshotName from, SnapshotName to) {
        activeAndLocked(volume.storage(), configured -> {
            configured.plugin().renameSnapshot(configured.storage(), volume.volume(), from, to);
            return Boolean.TRUE;
        });
    }

    private <T> T activeAndLocked(StorageId storage, Function<Configured, T> work) {
        Configured configured = new Operation(storages).activate(storage);
        return StorageLock.hold(configured, locks, () -> work.apply(configured));
    }
}
