package dev.tenon.core.storage.directory;

import dev.tenon.core.image.Qcow2Snapshot;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The snapshots inside a qcow2 image. */
final class InternalSnapshots {
    private final ImageLocation image;

    /** Those of this image, which is checked first. */
    InternalSnapshots(ImageLocation image) {
        image.check();
        this.image = image;
    }

    Map<String, SnapshotInfo> infos() {
        Map<String, SnapshotInfo> infos = new LinkedHashMap<>();
        for (Qcow2Snapshot snapshot : all()) {
            infos.put(snapshot.name(), new SnapshotInfo(null, snapshot.timestamp(), snapshot.virtualSize(), Map.of()));
        }
        return infos;
    }

    /** Takes a snapshot; qemu-img would take a second one of the same name. */
    void take(SnapshotName name) {
        if (name.value().chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "snapshot name '" + name + "' is a number, which QEMU would take for the id of a snapshot");
        }
        image.refuseOtherNames();
        if (has(name)) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS, "snapshot '" + name + "' already exists on '" + image.volid() + "'");
        }
        try {
            QemuImg.takeSnapshot(image.file(), name);
        } catch (StorageException e) {
            throw isAbsent(name) ? clean(e) : e;
        }
    }

    private boolean isAbsent(SnapshotName name) {
        try {
            return !has(name);
        } catch (StorageException e) {
            return false;
        }
    }

    void apply(SnapshotName name) {
        refuseMissing(name);
        if (all().stream()
                .anyMatch(other ->
                        other.id().equals(name.value()) && !other.name().equals(name.value()))) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "can't rollback to '" + name + "' on '" + image.volid()
                            + "': QEMU would take the name for the id of" + " another snapshot");
        }
        image.refuseOtherNames();
        QemuImg.applySnapshot(image.file(), name);
    }

    void delete(SnapshotName name) {
        refuseMissing(name);
        image.refuseOtherNames();
        QemuImg.deleteSnapshot(image.file(), name);
    }

    private void refuseMissing(SnapshotName name) {
        if (!has(name)) {
            throw StorageException.refused(
                    StorageError.NOT_FOUND, "snapshot '" + name + "' does not exist on '" + image.volid() + "'");
        }
    }

    private boolean has(SnapshotName name) {
        return all().stream().anyMatch(snapshot -> snapshot.name().equals(name.value()));
    }

    private List<Qcow2Snapshot> all() {
        try {
            return Qcow2Snapshot.readAll(image.file());
        } catch (IOException e) {
            throw ImageReferences.unreadable(image.volid().toString(), image.file(), e);
        }
    }

    private static StorageException clean(StorageException failure) {
        return new StorageException(failure.error(), Outcome.FAILED_CLEAN, failure.getMessage(), failure);
    }
}
