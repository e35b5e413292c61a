package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives this node the devices of volumes, and takes them away. */
record Attachment(Use use, StorpoolHost host, PveCluster pve) {
    private static final Logger LOG = LoggerFactory.getLogger(Attachment.class);
    private static final Duration STEP = Duration.ofMillis(20);

    private record Device(StorpoolName name, GlobalId id, boolean isSnapshot) {}

    static boolean isThere(Path devices, GlobalId id) {
        return Files.exists(devices.resolve(id.value()));
    }

    /** Whose device shows a volume, or a snapshot of it. */
    GlobalId device(VolumeName volume, @Nullable SnapshotName snapshot) {
        return find(volume, snapshot).id();
    }

    private Device find(VolumeName volume, @Nullable SnapshotName snapshot) {
        Use.Present present = use.present(volume);
        if (snapshot == null) {
            return new Device(present.name(), present.id(), present.name().isSnapshot());
        }
        ApiObject found = use.snapshotOf(volume, present.id(), snapshot.value());
        GlobalId id = GlobalId.of(found.globalId()).orElseThrow(() -> Use.missing(volume));
        return new Device(present.name(), id, true);
    }

    /** Attaches a volume; all other nodes lose it, unless its guest is on its way from one of them to this one. */
    void attach(VolumeName volume, @Nullable SnapshotName snapshot) {
        Device device = find(volume, snapshot);
        use.api().attach(device.id(), device.isSnapshot(), isAlone(volume, device));
        if (!awaitDevice(device.id())) {
            throw lost(volume, device);
        }
    }

    /** Whether nobody but this node has a reason to use it. */
    private boolean isAlone(VolumeName volume, Device device) {
        Vmid owner = device.name().owner();
        Optional<PveCluster.Guest> guest = Optional.ofNullable(owner).flatMap(pve::guest);
        if (guest.isEmpty() || guest.get().isMigrating()) {
            return false;
        }
        if (!guest.get().node().equals(host.node())) {
            throw StorageException.refused(
                    StorageError.IN_USE,
                    "volume " + Quoted.of(volume.value()) + " belongs to guest " + owner + " on node '"
                            + guest.get().node() + "', which is not migrating: its live migration was interrupted, or"
                            + " it must be started there");
        }
        return true;
    }

    private boolean awaitDevice(GlobalId id) {
        long end = System.nanoTime() + host.limits().device().toNanos();
        while (!isThere(host.devices(), id)) {
            if (System.nanoTime() - end > 0) {
                return false;
            }
            try {
                Thread.sleep(STEP);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return isThere(host.devices(), id);
            }
        }
        return true;
    }

    private StorageException lost(VolumeName volume, Device device) {
        String message = "volume " + Quoted.of(volume.value()) + " was attached, and its device '"
                + host.devices().resolve(device.id().value()) + "' has not come within "
                + host.limits().device().toMillis() + " ms";
        try {
            use.api().detach(device.id(), device.isSnapshot(), false);
        } catch (StorageException e) {
            return new StorageException(
                    StorageError.STORAGE_UNAVAILABLE, Outcome.UNKNOWN, message + "; it may still be attached", e);
        }
        return new StorageException(
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.FAILED_CLEAN,
                message + ": look whether the StorPool client runs on this node");
    }

    /** Detaches a volume from this node; one that is busy stays. */
    void detach(VolumeName volume, @Nullable SnapshotName snapshot) {
        Device device = find(volume, snapshot);
        if (!isThere(host.devices(), device.id())) {
            return;
        }
        if (use.api().settings().staysAttached()) {
            use.api().attach(device.id(), device.isSnapshot(), false);
            return;
        }
        try {
            use.api().detach(device.id(), device.isSnapshot(), false);
        } catch (StorageException e) {
            if (e.error() != StorageError.IN_USE) {
                throw e;
            }
            LOG.warn("event=stays-attached volume={} reason=\"{}\"", volume, e.getMessage());
        }
    }
}
