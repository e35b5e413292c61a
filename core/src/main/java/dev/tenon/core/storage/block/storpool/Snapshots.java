package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.SnapshotNames;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** The snapshots of disks. */
record Snapshots(Use use) {
    /**
     * Refuses a name that PVE takes but that cannot be part of a StorPool volume's name: nothing made under it could ever be
     * named again.
     *
     * @throws StorageException {@code INVALID_NAME}
     */
    static void refuseUnfit(SnapshotName snapshot) {
        SnapshotNames.refuseUnfit(snapshot);
        if (!StorpoolName.isIdentifier(snapshot.value())) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "no snapshot in StorPool can be called " + Quoted.of(snapshot.value())
                            + ": it must have lower-case letters, digits and -_. only, at least two, a letter first and a"
                            + " letter or digit last");
        }
    }

    void take(VolumeName volume, SnapshotName snapshot) {
        Use.Present disk = disk(volume, "snapshot");
        List<ApiObject> before = use.api().snapshots();
        if (!use.snapshotsOf(disk.id(), snapshot.value()).isEmpty()) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "snapshot " + Quoted.of(snapshot.value()) + " of volume " + Quoted.of(volume.value())
                            + " already exists");
        }
        Map<String, String> tags = new HashMap<>();
        disk.name().tags().forEach((tag, value) -> tags.put(tag.word(), value));
        tags.putAll(use.ownTags());
        tags.put(Tag.SNAPSHOT.word(), snapshot.value());
        tags.put(Tag.SNAPSHOT_OF.word(), disk.id().value());
        var _ = use.make(before, true, tags, () -> use.api().snapshot(disk.id(), tags));
    }

    /** A disk of a guest; nothing else has snapshots. */
    private Use.Present disk(VolumeName volume, String doing) {
        Use.Present present = use.present(volume);
        if (!(present.name() instanceof StorpoolName.Disk)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "can't " + doing + " volume " + Quoted.of(volume.value())
                            + ": only disks of guests have snapshots");
        }
        return present;
    }

    void rollback(VolumeName volume, SnapshotName snapshot) {
        Use.Present disk = disk(volume, "roll back");
        GlobalId to = id(use.snapshotOf(volume, disk.id(), snapshot.value()));
        use.api().detach(disk.id(), false, true);
        use.api().revert(disk.id(), to);
    }

    void delete(VolumeName volume, SnapshotName snapshot) {
        Use.Present disk = disk(volume, "delete a snapshot of");
        List<ApiObject> found = use.snapshotsOf(disk.id(), snapshot.value());
        if (found.isEmpty()) {
            var _ = use.snapshotOf(volume, disk.id(), snapshot.value());
        }
        found.forEach(each -> use.api().delete(id(each), true));
    }

    Map<String, SnapshotInfo> infos(VolumeName volume) {
        Use.Present present = use.present(volume);
        Map<String, SnapshotInfo> infos = new TreeMap<>();
        for (ApiObject snapshot : use.snapshotsOf(present.id(), null)) {
            infos.put(
                    Objects.requireNonNullElse(snapshot.tag(Tag.SNAPSHOT), ""),
                    new SnapshotInfo(
                            snapshot.globalId(), snapshot.created(), ByteSize.ofBytes(snapshot.size()), Map.of()));
        }
        infos.remove("");
        return infos;
    }

    void rename(VolumeName volume, SnapshotName from, SnapshotName to) {
        Use.Present disk = disk(volume, "rename a snapshot of");
        ApiObject snapshot = use.snapshotOf(volume, disk.id(), from.value());
        if (!use.snapshotsOf(disk.id(), to.value()).isEmpty()) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "snapshot " + Quoted.of(to.value()) + " of volume " + Quoted.of(volume.value())
                            + " already exists");
        }
        Map<String, String> tags = new HashMap<>(snapshot.tags());
        tags.put(Tag.SNAPSHOT.word(), to.value());
        use.api().tag(id(snapshot), true, tags);
    }

    private static GlobalId id(ApiObject snapshot) {
        return GlobalId.of(snapshot.globalId())
                .orElseThrow(() -> StorageException.refused(
                        StorageError.BAD_RESULT,
                        "StorPool's snapshot " + Quoted.of(snapshot.name()) + " has no global id"));
    }
}
