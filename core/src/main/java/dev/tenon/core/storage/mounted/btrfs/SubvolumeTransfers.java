package dev.tenon.core.storage.mounted.btrfs;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.VolumeNames;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Volumes that leave a storage, and arrive, as their snapshots. */
record SubvolumeTransfers(BtrfsPlugin plugin, Storage storage) {
    /** Only snapshots can be sent. The caller does not name those between two, so a difference holds only the last one. */
    static boolean canBeSent(Transfer transfer) {
        return transfer.snapshot() != null && (transfer.base() == null || !transfer.withSnapshots());
    }

    private SnapshotName wanted(VolumeName volume, Transfer transfer) {
        SnapshotName snapshot = transfer.snapshot();
        if (snapshot == null) {
            throw BtrfsPlugin.refusedFor(volume, "format 'btrfs' only works on snapshots, and none is named: transfer");
        }
        if (!canBeSent(transfer)) {
            throw BtrfsPlugin.refusedFor(
                    volume, "format 'btrfs' takes either the difference to a snapshot or all snapshots: transfer");
        }
        return snapshot;
    }

    private static StorageException notInSubvolume(VolumeName volume) {
        return BtrfsPlugin.refusedFor(volume, "only raw images and subvolumes can be sent in format 'btrfs': transfer");
    }

    void send(VolumeName volume, Transfer transfer, ExportStream stream) {
        SnapshotName last = wanted(volume, transfer);
        Path subvolume = plugin.present(storage, volume).orElseThrow(() -> notInSubvolume(volume));
        Path latest = plugin.snapshot(storage, volume, last);
        List<Path> snapshots = new ArrayList<>();
        if (transfer.withSnapshots()) {
            snapshots.addAll(Snapshots.of(subvolume).values());
            snapshots.remove(latest);
        }
        snapshots.add(latest);
        SnapshotName base = transfer.base();
        SubvolumeStream.send(base == null ? null : plugin.snapshot(storage, volume, base), snapshots, stream);
    }

    /**
     * Makes a volume of what comes, with its snapshots, or brings one forward to a later snapshot.
     *
     * @throws StorageException {@code FAILED_CLEAN}, or {@code UNKNOWN} if something is left
     */
    VolumeId receive(VolumeName volume, Transfer transfer, boolean allowRename, ImportStream stream) {
        SnapshotName last = wanted(volume, transfer);
        ParsedVolume.GuestImage image = plugin.image(volume, "volume_import");
        SnapshotName base = transfer.base();
        VolumeName made = base == null ? freeName(volume, image, allowRename) : volume;
        Path place = place(made);
        if (base != null) {
            plugin.snapshot(storage, volume, base);
            plugin.present(storage, volume);
            Subvolumes.refuseInUse(place);
        }
        plugin.besideOf(storage, place, directory -> {
            SubvolumeStream.receive(directory, stream);
            Map<String, Path> received = SubvolumeStream.received(directory, last);
            received.values().forEach(snapshot -> refuseUnfit(image.format(), snapshot));
            place(received, place, last, base);
            return place;
        });
        if (image.isBase()) {
            plugin.creation(storage).protect(place);
        }
        return new VolumeId(storage.id(), made);
    }

    private Path place(VolumeName volume) {
        Path place = plugin.subvolume(storage, volume, null).orElseThrow(() -> notInSubvolume(volume));
        plugin.refuseOutside(storage, volume, place);
        return place;
    }

    private VolumeName freeName(VolumeName volume, ParsedVolume.GuestImage image, boolean allowRename) {
        Vmid owner = Optional.ofNullable(image.owner()).orElseThrow(() -> notInSubvolume(volume));
        VolumeName plain = new VolumeName(owner + "/" + image.name());
        if (!plain.equals(volume)) {
            throw BtrfsPlugin.refusedFor(volume, "no clone arrives as one, so import it as '" + plain + "': transfer");
        }
        VolumeNames.refuseUnlisted(owner, image.name());
        if (!Files.exists(place(volume), LinkOption.NOFOLLOW_LINKS)) {
            return volume;
        }
        if (!allowRename) {
            throw exists(volume.value());
        }
        return new VolumeName(owner + "/" + plugin.findFreeDiskname(storage, owner, image.format(), true));
    }

    private static StorageException exists(String volume) {
        return StorageException.refused(StorageError.ALREADY_EXISTS, "volume '" + volume + "' already exists");
    }

    /** A stream from another node may hold anything, also a link in the place of the disk. */
    private static void refuseUnfit(Format format, Path subvolume) {
        boolean isFit = format == Format.Image.SUBVOL
                ? String.valueOf(subvolume.getFileName()).contains(".subvol@")
                : Files.isRegularFile(subvolume.resolve(SubvolumeCreation.DISK), LinkOption.NOFOLLOW_LINKS);
        if (!isFit) {
            throw new StorageException(
                    StorageError.STREAM_BROKEN,
                    Outcome.FAILED_CLEAN,
                    "the stream cannot be imported: '" + subvolume.getFileName() + "' in it is no image of format '"
                            + format.word() + "'");
        }
    }

    /**
     * Gives what came its names, the volume last. The snapshots are copies of those received, not those themselves: such a
     * copy is still known as what was received, so that a later difference fits it, and need not be writable to be moved.
     */
    private void place(Map<String, Path> received, Path place, SnapshotName last, @Nullable SnapshotName base) {
        Map<Path, Path> copies = new LinkedHashMap<>();
        received.forEach((name, snapshot) ->
                copies.put(place.resolveSibling(place.getFileName() + Snapshots.MARK + name), snapshot));
        List<Path> made = new ArrayList<>();
        try {
            for (Path copy : copies.keySet()) {
                if (Files.exists(copy, LinkOption.NOFOLLOW_LINKS)) {
                    throw exists(String.valueOf(copy.getFileName()));
                }
            }
            copies.forEach((copy, snapshot) -> {
                Subvolumes.snapshot(snapshot, copy, true);
                made.add(copy);
            });
            Path latest = Objects.requireNonNull(received.get(last.value()), "the wanted snapshot was received");
            if (base == null) {
                Path live = latest.resolveSibling("live");
                Subvolumes.snapshot(latest, live, false);
                FileMove.withoutReplacing(live, place);
            } else {
                plugin.rollBack(storage, place, latest);
            }
        } catch (FileAlreadyExistsException e) {
            throw withdrawn(made, exists(String.valueOf(place.getFileName())));
        } catch (IOException e) {
            throw withdrawn(made, Failures.of(e, Outcome.FAILED_CLEAN, "unable to make '" + place + "'"));
        } catch (StorageException e) {
            throw withdrawn(made, e);
        }
    }

    private static StorageException withdrawn(List<Path> made, StorageException failure) {
        Outcome outcome = Outcome.FAILED_CLEAN;
        if (!made.isEmpty()) {
            try {
                Subvolumes.delete(made);
            } catch (StorageException e) {
                failure.addSuppressed(e);
                outcome = Outcome.UNKNOWN;
            }
        }
        return new StorageException(failure.error(), outcome, failure.getMessage(), failure);
    }
}
