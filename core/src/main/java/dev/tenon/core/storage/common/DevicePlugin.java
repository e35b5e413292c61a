package dev.tenon.core.storage.common;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StreamSource;
import dev.tenon.core.spi.StreamTarget;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The common part of storage types whose volumes are devices: each volume is one range of bytes, which a node can see as a
 * device or file once it is mapped. Such a storage holds images of guests and nothing else, and has no directories.
 */
public abstract class DevicePlugin implements StoragePlugin {
    @Override
    public void deactivateStorage(Storage storage, OperationCache cache) {}

    @Override
    public void deactivateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {}

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix) {
        List<String> names = listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                .map(image -> image.volid().volume().value())
                .toList();
        Format wanted = format == null ? formats(storage).preferred() : format;
        return DiskNames.free(storage, names, owner, wanted, addSuffix, true);
    }

    @Override
    public List<ListedVolume> listVolumes(Storage storage, @Nullable Vmid owner, Set<ContentType> content) {
        return listedImages(this, storage, owner, content, GuestTypes.read(GuestTypes.OF_HOST));
    }

    /** The images of a storage as volumes, each of the kind that its guest makes it. */
    public static List<ListedVolume> listedImages(
            StoragePlugin plugin, Storage storage, @Nullable Vmid owner, Set<ContentType> content, GuestTypes guests) {
        ImageFilter filter = owner == null ? ImageFilter.all() : new ImageFilter.OfGuest(owner);
        List<VolumeInfo> images = plugin.listImages(storage, filter, OperationCache.create());
        return images.stream()
                .map(image ->
                        new ListedVolume(image, guests.contentOf(image.owner(), image.format()), null, null, false))
                .filter(volume -> content.contains(volume.content()))
                .toList();
    }

    /** Refused unless the type says otherwise. */
    @Override
    public void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        parseVolname(volume);
        StoragePlugin.super.snapshotVolume(storage, volume, snapshot);
    }

    /** What QEMU and streams open; the volume is active. */
    private Path mapped(Storage storage, VolumeName volume) {
        return Paths.of(mapVolume(storage, volume, null, Hints.NONE)
                .orElseGet(() -> path(storage, volume, null).path()));
    }

    @Override
    public Map<String, Object> blockdevOptions(Storage storage, VolumeName volume, BlockdevQuery query) {
        Path device = mapped(storage, volume);
        try {
            String driver = FileStatus.of(device).isBlockDevice() ? "host_device" : "file";
            return Map.of("driver", driver, "filename", device.toString());
        } catch (IOException e) {
            throw Failures.of(
                    e, Outcome.NOT_STARTED, "unable to open volume '" + new VolumeId(storage.id(), volume) + "'");
        }
    }

    @Override
    public List<String> exportFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return transfer.snapshot() == null ? formatsOfBytes(volume, transfer) : List.of();
    }

    /** The bytes of a snapshot that another storage sends make a volume as any others do. */
    @Override
    public List<String> importFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return formatsOfBytes(volume, transfer);
    }

    private List<String> formatsOfBytes(VolumeName volume, Transfer transfer) {
        boolean isWhole = transfer.base() == null && !transfer.withSnapshots();
        return isWhole && parseVolname(volume).format() == Format.Image.RAW
                ? List.of(StreamFormat.RAW.word())
                : List.of();
    }

    /**
     * Refuses a stream of another format than these.
     *
     * @param doing {@code export} or {@code import}
     * @throws StorageException {@code NOT_SUPPORTED}
     */
    protected final void refuseOther(List<String> available, VolumeName volume, String format, String doing) {
        if (!available.contains(format)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "volume " + doing + " format '" + format + "' not available for " + type() + " (volume '" + volume
                            + "')");
        }
    }

    @Override
    public void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        refuseOther(exportFormats(storage, volume, transfer), volume, format, "export");
        ByteSize size =
                Objects.requireNonNull(volumeSizeInfo(storage, volume, null).size(), "size");
        stream.send(source(storage, volume, mapped(storage, volume), size));
    }

    /** Where the bytes of a mapped volume are. */
    protected StreamSource source(Storage storage, VolumeName volume, Path device, ByteSize size) {
        return new StreamSource.Content(device, size);
    }

    @Override
    public VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        refuseOther(importFormats(storage, volume, transfer), volume, format, "import");
        ParsedVolume parsed = parseVolname(volume);
        ByteSize size = stream.size();
        VolumeName made = locked(storage, () -> allocated(storage, parsed, size, allowRename));
        try {
            activateVolume(storage, made, null, OperationCache.create(), Hints.NONE);
            stream.receive(new StreamTarget.Present(mapped(storage, made), readsZeroAtFirst()), size);
            return new VolumeId(storage.id(), made);
        } catch (StorageException e) {
            throw Unfinished.removed(
                    this,
                    storage,
                    made,
                    parsed.format(),
                    reason(storage, e),
                    work -> locked(storage, () -> {
                        work.run();
                        return made;
                    }));
        }
    }

    /** What is left is removed also if nobody can tell why it could not be filled. */
    private StorageException reason(Storage storage, StorageException failure) {
        try {
            return unfilled(storage, failure);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return failure;
        }
    }

    /**
     * Why a volume could not be filled, which is still there. A device may say nothing but that it has failed.
     *
     * @return the same failure if the storage knows no better
     */
    protected StorageException unfilled(Storage storage, StorageException failure) {
        return failure;
    }

    /** Whether a new volume reads as zeroes, so that those of a stream need not be written. */
    protected boolean readsZeroAtFirst() {
        return false;
    }

    /**
     * Does something under the lock of the storage, where the host has not taken it. Needs no lock if volumes are made in a
     * way that cannot give a name twice.
     */
    protected <T> T locked(Storage storage, Supplier<T> work) {
        return work.get();
    }

    private VolumeName allocated(Storage storage, ParsedVolume parsed, ByteSize size, boolean allowRename) {
        Vmid owner = Optional.ofNullable(parsed.owner())
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_SUPPORTED, "an image that belongs to no guest cannot be imported"));
        try {
            return allocImage(storage, owner, parsed.format(), parsed.name(), size);
        } catch (StorageException e) {
            if (e.error() != StorageError.ALREADY_EXISTS || !allowRename) {
                throw e;
            }
            return allocImage(storage, owner, parsed.format(), null, size);
        }
    }

    @Override
    public Optional<Cleanup> freeImage(Storage storage, VolumeName volume, boolean isBase, @Nullable Format format) {
        parseVolname(volume);
        return remove(storage, volume);
    }

    /** Removes a volume, whose name is one of this type; see {@link #freeImage}. */
    protected abstract Optional<Cleanup> remove(Storage storage, VolumeName volume);
}
