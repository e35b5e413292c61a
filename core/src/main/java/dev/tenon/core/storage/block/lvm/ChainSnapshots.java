package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.SeenEffect;
import dev.tenon.core.storage.common.SnapshotNames;
import java.util.ArrayList;
import java.util.List;

/** Takes, restores and deletes snapshots that are volumes of their own; see {@link Chain}. */
final class ChainSnapshots {
    private final LvmPlugin plugin;
    private final Storage storage;
    private final VolumeName volume;

    ChainSnapshots(LvmPlugin plugin, Storage storage, VolumeName volume) {
        this.plugin = plugin;
        this.storage = storage;
        this.volume = volume;
    }

    private Chain chain() {
        plugin.volumes(storage).activate(volume, volume.value());
        return Chain.read(plugin, storage, volume);
    }

    /** The volume becomes the snapshot, and an empty image on top of it becomes the volume. */
    void take(SnapshotName snapshot) {
        SnapshotNames.refuseUnfit(snapshot);
        String name = Chain.name(volume, snapshot);
        Chain chain = chain();
        VolumeGroupPlugin.refuseTaken(storage, plugin.all(storage), name);
        plugin.rename(storage, volume.value(), name);
        try {
            overlay(chain.links().getFirst(), name);
        } catch (StorageException e) {
            throw undone(name, e);
        }
    }

    private void overlay(Chain.Link below, String name) {
        plugin.volumes(storage).makeOverlay(plugin.owner(volume), volume, below.size(), name);
    }

    private StorageException undone(String name, StorageException failure) {
        try {
            Uninterrupted.run(() -> plugin.rename(storage, name, volume.value()));
            return new StorageException(failure.error(), Outcome.FAILED_CLEAN, failure.getMessage(), failure);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return new StorageException(
                    failure.error(),
                    Outcome.UNKNOWN,
                    failure.getMessage() + "; volume '" + VolumeGroupPlugin.inGroup(storage, volume.value())
                            + "' is now called '" + name + "', and what has its own name, if anything does, is not it",
                    failure);
        }
    }

    /** Whether this is the newest snapshot: newer ones would be lost with the volume. */
    Rollback rollbackIsPossible(SnapshotName snapshot) {
        Chain chain = chain();
        String volid = storage.id() + ":" + volume;
        if (chain.position(snapshot).isEmpty()) {
            return new Rollback.Blocked(
                    "can't rollback, snapshot '" + snapshot + "' does not exist on '" + volid + "'", List.of());
        }
        List<SnapshotName> newer = chain.newerThan(chain.place(snapshot));
        return newer.isEmpty()
                ? new Rollback.Possible()
                : new Rollback.Blocked(
                        "can't rollback, '" + snapshot + "' is not most recent snapshot on '" + volid + "'", newer);
    }

    /**
     * Replaces the volume with an empty image on top of the newest snapshot. The volume exists until that is done.
     *
     * @return the volumes to remove once the storage is unlocked
     */
    List<String> rollback(SnapshotName snapshot) {
        Chain chain = chain();
        int place = chain.place(snapshot);
        if (place != 1) {
            throw StorageException.refused(
                    StorageError.IN_USE,
                    "can't rollback, '" + snapshot + "' is not most recent snapshot on '" + storage.id() + ":" + volume
                            + "'");
        }
        plugin.close(storage, volume.value());
        Wiping wiping = new Wiping(plugin, storage);
        wiping.begin(volume.value());
        Chain.Link newest = chain.links().get(place);
        try {
            overlay(newest, newest.name());
        } catch (StorageException e) {
            throw undone(Wiping.WAITING + volume, e);
        }
        return plugin.erased(storage, List.of(volume.value()), true);
    }

    /**
     * Deletes a snapshot of a volume that nobody uses. Only its last steps need the storage's lock, and take it.
     *
     * @return as {@link #rollback}
     */
    List<String> delete(SnapshotName snapshot) {
        refuseCurrent(snapshot);
        Chain chain = chain();
        int place = chain.place(snapshot);
        Chain.Link link = chain.links().get(place);
        Chain.Link child = chain.links().get(place - 1);
        boolean isOldest = place + 1 == chain.links().size();
        // Afterwards it would be too late to find out that somebody reads what is to go.
        plugin.close(storage, isOldest ? child.name() : link.name());
        plugin.volumes(storage).activate(volume, volume.value());
        if (!isOldest) {
            try {
                QemuImg.rebase(child.device(), chain.links().get(place + 1).name(), child.size());
            } catch (StorageException e) {
                throw SeenEffect.of(e, () -> true);
            }
            return plugin.locked(storage, () -> plugin.erased(storage, List.of(link.name()), false));
        }
        // The oldest one holds the most, so it takes over its child's data, and then its child's place.
        if (child.size().compareTo(link.size()) > 0) {
            plugin.volumes(storage).grow(volume, link.name(), child.size(), false);
        }
        QemuImg.commit(child.device(), child.size());
        return plugin.locked(storage, () -> {
            List<String> left = new ArrayList<>(plugin.erased(storage, List.of(child.name()), false));
            plugin.rename(storage, link.name(), child.name());
            return left;
        });
    }

    /**
     * QEMU has made the volume independent of the snapshot. It may be the volume itself ({@code current}), which QEMU has
     * written into its only snapshot and left for that; the snapshot then gets the volume's name.
     */
    List<String> drop(SnapshotName snapshot) {
        String name = plugin.logical(volume, snapshot);
        plugin.present(storage, name);
        return plugin.locked(storage, () -> plugin.erased(storage, List.of(name), false));
    }

    private void refuseCurrent(SnapshotName snapshot) {
        if (Chain.isCurrent(snapshot)) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "'" + snapshot + "' is no snapshot but volume '" + storage.id() + ":" + volume + "' as it is now");
        }
    }
}
