package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.repository.SnapshotId;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.backup.ArchiveName;
import dev.tenon.core.spi.backup.GuestType;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Snapshots as archives of PVE, for instance {@code backup/qemu/100/2026-01-02T03:04:05Z}. */
public final class Archives {
    /** Of all snapshots of this storage type. */
    public static final String NAMESPACE = "default";

    private static final Pattern NAME =
            Pattern.compile("(qemu|lxc)/([1-9][0-9]{2,8})/([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z)");

    /** The forms of names, for hosts that cannot ask. */
    static final Pattern VOLUME = Pattern.compile(
            "backup/(?<name>(?:qemu|lxc)/(?<guest>[1-9][0-9]{2,8})" + "/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z)");

    private Archives() {}

    /** The archive that a snapshot is. */
    public static ArchiveName name(SnapshotId id) {
        return new ArchiveName(id.type().word() + "/" + id.guest() + "/" + id.time());
    }

    /**
     * The snapshot behind a volume.
     *
     * @throws StorageException {@code INVALID_NAME} if it is not a volume of this storage type
     */
    public static SnapshotId id(VolumeName volume) {
        String name = ArchiveName.of(volume).value();
        Matcher parts = NAME.matcher(name);
        if (parts.matches()) {
            try {
                return new SnapshotId(
                        NAMESPACE,
                        GuestType.ofWord(parts.group(1)).orElseThrow(),
                        new Vmid(Long.parseLong(parts.group(2))),
                        Instant.parse(parts.group(3)));
            } catch (DateTimeException e) {
                // said below
            }
        }
        throw StorageException.refused(
                StorageError.INVALID_NAME,
                "the volume " + Quoted.of(volume.value())
                        + " is no backup of this storage type; one is named like backup/qemu/100/2026-01-02T03:04:05Z");
    }

    /** What PVE shows: everything that the guest would get back. PVE takes 0 for an error. */
    static ByteSize size(Snapshot snapshot) {
        long size = snapshot.disks().values().stream()
                .mapToLong(disk -> disk.size().bytes())
                .sum();
        if (snapshot.tree() != null) {
            size += snapshot.tree().size().bytes();
        }
        return ByteSize.ofBytes(Math.max(1, size));
    }
}
