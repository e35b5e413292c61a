package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.Qcow2Header;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A volume that is a qcow2 image and its snapshots, each a volume {@code snap_NAME_SNAPSHOT.qcow2} of the group, on which the
 * next newer one is based. All are active.
 *
 * @param links the volume as it is now first, then its snapshots, newest first
 */
record Chain(Storage storage, VolumeName volume, List<Link> links) {
    static final String CURRENT = "current";
    private static final String PREFIX = "snap_";
    static final String SUFFIX = ".qcow2";

    /** Longer ones are a loop. */
    private static final int MOST_LINKS = 1000;

    /**
     * One of them.
     *
     * @param snapshot its name, or {@link #CURRENT}
     * @param name of the volume of LVM
     * @param size what the guest sees
     */
    record Link(String snapshot, String name, Path device, ByteSize size) {}

    Chain {
        links = List.copyOf(links);
    }

    static boolean isCurrent(@Nullable SnapshotName snapshot) {
        return snapshot == null || snapshot.value().equals(CURRENT);
    }

    /** The volume of LVM that a snapshot is. */
    static String name(VolumeName volume, SnapshotName snapshot) {
        return prefix(volume) + snapshot + SUFFIX;
    }

    /** What the names of a volume's snapshots begin with. */
    static String prefix(VolumeName volume) {
        return PREFIX + stem(volume) + "_";
    }

    /** A volume's name without its format. */
    static String stem(VolumeName volume) {
        return volume.value().replaceFirst("\\.[^.]+\\z", "");
    }

    /** The snapshot of this volume that a volume of LVM is, empty if it is none. */
    private static Optional<String> snapshot(VolumeName volume, @Nullable String name) {
        String prefix = prefix(volume);
        return name != null
                        && name.startsWith(prefix)
                        && name.endsWith(SUFFIX)
                        && name.length() > prefix.length() + SUFFIX.length()
                ? Optional.of(name.substring(prefix.length(), name.length() - SUFFIX.length()))
                : Optional.empty();
    }

    /**
     * Reads the headers.
     *
     * @throws StorageException {@code NOT_FOUND} if one is not there, or not active; {@code UNSAFE_IMAGE} if one is no qcow2
     *     image
     */
    static Chain read(VolumeGroupPlugin plugin, Storage storage, VolumeName volume) {
        List<Link> links = new ArrayList<>();
        String snapshot = CURRENT;
        String name = volume.value();
        while (true) {
            Path device = plugin.device(storage, name);
            Qcow2Header header = header(plugin, storage, name);
            links.add(new Link(snapshot, name, device, ByteSize.ofBytes(header.virtualSize())));
            String backing = header.backingFile();
            String below = backing == null ? null : backing.substring(backing.lastIndexOf('/') + 1);
            Optional<String> next = snapshot(volume, below);
            if (below == null || next.isEmpty()) {
                return new Chain(storage, volume, links);
            }
            if (links.size() > MOST_LINKS) {
                throw StorageException.refused(
                        StorageError.UNSAFE_IMAGE,
                        "the snapshots of volume '" + storage.id() + ":" + volume
                                + "' are based on each other in a ring");
            }
            snapshot = next.get();
            name = below;
        }
    }

    /** The header of one volume; fails as {@link #read} does. */
    static Qcow2Header header(VolumeGroupPlugin plugin, Storage storage, String name) {
        Path device = plugin.device(storage, name);
        if (!plugin.isActive(storage, name)) {
            throw plugin.find(storage, name).isEmpty()
                    ? VolumeGroupPlugin.missing(storage, name)
                    : StorageException.refused(
                            StorageError.STORAGE_UNAVAILABLE,
                            "logical volume '" + VolumeGroupPlugin.inGroup(storage, name) + "' is not active");
        }
        try {
            return Qcow2Header.read(device);
        } catch (IOException e) {
            throw String.valueOf(e.getMessage()).endsWith("Image is not in qcow2 format")
                    ? new StorageException(
                            StorageError.UNSAFE_IMAGE, Outcome.NOT_STARTED, "volume " + e.getMessage(), e)
                    : Failures.of(e, Outcome.NOT_STARTED, "unable to read '" + device + "'");
        }
    }

    /** Where a snapshot is among the links, empty if it is not there. */
    OptionalInt position(SnapshotName snapshot) {
        for (int i = 1; i < links.size(); i++) {
            if (links.get(i).snapshot().equals(snapshot.value())) {
                return OptionalInt.of(i);
            }
        }
        return OptionalInt.empty();
    }

    /** Where a snapshot is; {@code NOT_FOUND} if it is not there. */
    int place(SnapshotName snapshot) {
        return position(snapshot)
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_FOUND,
                        "snapshot '" + snapshot + "' does not exist on '" + storage.id() + ":" + volume + "'"));
    }

    boolean hasSnapshots() {
        return links.size() > 1;
    }

    /** The snapshots that are newer than the one at this place, newest first. */
    List<SnapshotName> newerThan(int place) {
        return links.subList(1, place).stream()
                .map(link -> new SnapshotName(link.snapshot()))
                .toList();
    }

    /** The chain as PVE tells it. */
    Map<String, SnapshotInfo> infos() {
        Map<String, SnapshotInfo> infos = new LinkedHashMap<>();
        for (int i = 0; i < links.size(); i++) {
            Link link = links.get(i);
            Map<String, Object> other = new LinkedHashMap<>();
            other.put("order", (long) i);
            other.put("file", link.device().toString());
            other.put("volname", link.name());
            other.put("volid", storage.id() + ":" + link.name());
            if (i + 1 < links.size()) {
                other.put("parent", links.get(i + 1).snapshot());
            }
            if (i > 0) {
                other.put("child", links.get(i - 1).snapshot());
            }
            infos.put(link.snapshot(), new SnapshotInfo(null, null, link.size(), other));
        }
        return infos;
    }
}
