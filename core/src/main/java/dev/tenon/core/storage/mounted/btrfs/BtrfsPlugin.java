package dev.tenon.core.storage.mounted.btrfs;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.linux.FileSystemStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.SnapshotNames;
import dev.tenon.core.storage.directory.ImageCreation;
import dev.tenon.core.storage.mounted.LocalPlugin;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The storage type {@code btrfs}: a directory of a btrfs file system. The raw image of a guest is the file
 * {@code disk.raw} in a subvolume of its own, and a container's subvolume is one. A snapshot is a read-only subvolume
 * {@code NAME@SNAPSHOT} beside it. Images of other formats are files, as in the type {@code dir}.
 */
public final class BtrfsPlugin extends LocalPlugin {
    private static final Path MOUNTS = Path.of("/proc/mounts");
    private static final Set<String> FORMATS_OF_FILES = Set.of("qcow2", "vmdk");
    private static final long BTRFS = 0x9123_683eL;

    private static final PluginData DATA = new PluginData(
            Set.of("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none"),
            Set.of("images", "rootdir"),
            Set.of("raw", "subvol"),
            "raw",
            Set.of(),
            Set.of(),
            false,
            Map.of());

    public BtrfsPlugin() {
        super(MOUNTS);
    }

    @Override
    public String type() {
        return "btrfs";
    }

    @Override
    public String hostClass() {
        return "PVE::Storage::BTRFSPlugin";
    }

    @Override
    public PluginData pluginData() {
        return DATA;
    }

    @Override
    public Map<String, PropertySchema> properties() {
        return Map.of(
                "nocow",
                schema(
                        "boolean",
                        "Write raw images in their place, without checksums. Snapshots still copy what is written next.",
                        Map.of("default", 0)));
    }

    @Override
    public Map<String, PropertyOption> options() {
        Map<String, PropertyOption> options = commonOptions();
        options.remove("content-dirs");
        options.remove("bwlimit");
        options.put("shared", OPTIONAL);
        options.put("is_mountpoint", OPTIONAL);
        options.put("nocow", OPTIONAL);
        options.put("preallocation", OPTIONAL);
        return options;
    }

    /** PVE offers only raw and subvol for new images, but makes the other formats if they are named. */
    @Override
    protected boolean holds(Storage storage, Format format) {
        return format instanceof Format.Image;
    }

    @Override
    protected ImageCreation creation(Storage storage) {
        return new SubvolumeCreation(storage.config().flag("nocow", false));
    }

    @Override
    protected void refuseUnfit(Storage storage) {
        Path base = base(storage);
        try {
            if (Files.isDirectory(base) && FileSystemStatus.of(base).type() != BTRFS) {
                throw StorageException.refused(
                        StorageError.STORAGE_UNAVAILABLE,
                        "unable to activate storage '" + storage.id() + "' - '" + base
                                + "' is not a btrfs file system; mount one there");
            }
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to activate storage '" + storage.id() + "'");
        }
    }

    @Override
    public Optional<Examinable> examinable() {
        return super.examinable().map(files -> new ExaminableSubvolumes(this, files));
    }

    // ---- places

    /** The subvolume of an image, or of its snapshot; empty if the image is a file. */
    Optional<Path> subvolume(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        if (!(parseVolname(volume) instanceof ParsedVolume.GuestImage image)
                || image.owner() == null
                || (image.format() != Format.Image.RAW && image.format() != Format.Image.SUBVOL)) {
            return Optional.empty();
        }
        String name = image.format() == Format.Image.RAW ? SubvolumeCreation.withoutSuffix(image.name()) : image.name();
        Path directory = Paths.of(getSubdir(storage, ContentType.IMAGES))
                .resolve(image.owner().toString());
        return Optional.of(directory.resolve(snapshot == null ? name : name + Snapshots.MARK + snapshot));
    }

    @Override
    public VolumePath filesystemPath(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        ParsedVolume parsed = parseVolname(volume);
        return subvolume(storage, volume, snapshot)
                .map(directory ->
                        parsed.format() == Format.Image.RAW ? directory.resolve(SubvolumeCreation.DISK) : directory)
                .map(file -> new VolumePath(file.toString(), parsed.owner(), parsed.type()))
                .orElseGet(() -> super.filesystemPath(storage, volume, snapshot));
    }

    /** The subvolume of an image that is there and lies in the storage; empty if the image is a file. */
    Optional<Path> present(Storage storage, VolumeName volume) {
        Optional<Path> subvolume = subvolume(storage, volume, null);
        subvolume.ifPresent(directory -> {
            refuseWayOut(storage, volume, directory);
            if (!Subvolumes.isOne(directory)) {
                throw missing(storage, volume);
            }
        });
        return subvolume;
    }

    private static StorageException missing(Storage storage, VolumeName volume) {
        return StorageException.refused(
                StorageError.NOT_FOUND, "volume '" + new VolumeId(storage.id(), volume) + "' does not exist");
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        List<VolumeInfo> found = new ArrayList<>(listFiles(storage, filter, FORMATS_OF_FILES));
        found.addAll(new SubvolumeListing(this, storage).images(filter));
        return found;
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        if (parseVolname(volume).format() != Format.Image.SUBVOL) {
            return super.volumeSizeInfo(storage, volume, timeout);
        }
        present(storage, volume);
        return new SizeInfo(ByteSize.ofBytes(0), Format.Image.SUBVOL, ByteSize.ofBytes(0), null, null);
    }

    // ---- images

    @Override
    public Optional<Cleanup> freeImage(Storage storage, VolumeName volume, boolean isBase, @Nullable Format format) {
        Optional<Path> subvolume = subvolume(storage, volume, null);
        if (subvolume.isEmpty()) {
            return super.freeImage(storage, volume, isBase, format);
        }
        refuseWayOut(storage, volume, subvolume.get());
        if (Subvolumes.isOne(subvolume.get())) {
            List<Path> all = new ArrayList<>(Snapshots.of(subvolume.get()).values());
            all.add(subvolume.get());
            Subvolumes.delete(all);
        }
        Snapshots.removeIfEmpty(parentOf(subvolume.get()));
        return Optional.empty();
    }

    @Override
    public VolumeName createBase(Storage storage, VolumeName volume) {
        Optional<Path> subvolume = present(storage, volume);
        if (subvolume.isEmpty()) {
            return super.createBase(storage, volume);
        }
        ParsedVolume.GuestImage image = image(volume, "create_base");
        if (image.isBase()) {
            throw refusedFor(volume, "create_base not possible with base image");
        }
        if (!Snapshots.of(subvolume.get()).isEmpty()) {
            throw refusedFor(volume, "create_base not possible with snapshots");
        }
        VolumeName base = new VolumeName(image.owner() + "/" + image.name().replaceFirst("^(?:vm|subvol)-", "base-"));
        move(storage, subvolume.get(), base);
        creation(storage).protect(subvolume(storage, base, null).orElseThrow());
        return base;
    }

    private static ParsedVolume.GuestImage image(VolumeName volume, ParsedVolume parsed, String method) {
        if (parsed instanceof ParsedVolume.GuestImage image) {
            return image;
        }
        throw refusedFor(volume, method + " on wrong vtype '" + parsed.type().word() + "'");
    }

    ParsedVolume.GuestImage image(VolumeName volume, String method) {
        return image(volume, parseVolname(volume), method);
    }

    static StorageException refusedFor(VolumeName volume, String what) {
        return StorageException.refused(StorageError.NOT_SUPPORTED, what + " of volume '" + volume + "'");
    }

    private void move(Storage storage, Path from, VolumeName to) {
        Path target = subvolume(storage, to, null).orElseThrow();
        refuseWayOut(storage, to, target);
        try {
            Files.createDirectories(parentOf(target));
            FileMove.withoutReplacing(from, target);
        } catch (FileAlreadyExistsException e) {
            throw new StorageException(
                    StorageError.ALREADY_EXISTS, Outcome.FAILED_CLEAN, "target volume '" + to + "' already exists", e);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "rename '" + from + "' to '" + target + "' failed");
        }
    }

    /** A clone shares blocks with its source and does not need it afterwards, so its name contains no base. */
    @Override
    public VolumeName cloneImage(Storage storage, VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        Optional<Path> subvolume = present(storage, volume);
        ParsedVolume.GuestImage image = image(volume, "clone_image");
        if (subvolume.isEmpty()) {
            return super.cloneImage(storage, volume, owner, snapshot);
        }
        if (!image.isBase() && snapshot == null) {
            throw refusedFor(volume, "clone_image only works on base images and snapshots");
        }
        Path source = snapshot == null ? subvolume.get() : snapshot(storage, volume, snapshot);
        String name = findFreeDiskname(storage, owner, image.format(), true);
        VolumeName clone = new VolumeName(owner + "/" + name);
        Path target = subvolume(storage, clone, null).orElseThrow();
        refuseWayOut(storage, clone, target);
        try {
            Files.createDirectories(parentOf(target));
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to make a clone of '" + volume + "'");
        }
        Subvolumes.snapshot(source, target, false);
        return clone;
    }

    @Override
    public VolumeId renameVolume(Storage storage, VolumeName volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        Optional<Path> subvolume = present(storage, volume);
        if (subvolume.isEmpty()) {
            return super.renameVolume(storage, volume, owner, name);
        }
        ParsedVolume.GuestImage image = image(volume, "rename_volume");
        if (image.isBase()) {
            throw refusedFor(volume, "unable to rename base volume: renaming");
        }
        if (!Snapshots.of(subvolume.get()).isEmpty()) {
            throw refusedFor(volume, "its snapshots keep the old name; delete them first: renaming");
        }
        Vmid to = Optional.ofNullable(owner)
                .or(() -> Optional.ofNullable(image.owner()))
                .orElseThrow();
        String wanted = name == null
                ? findFreeDiskname(storage, to, image.format(), true)
                : name.value().substring(name.value().lastIndexOf('/') + 1);
        VolumeName renamed = new VolumeName(to + "/" + nameForFormat(wanted, image.format(), false));
        move(storage, subvolume.get(), renamed);
        return new VolumeId(storage.id(), renamed);
    }

    // ---- snapshots

    Path snapshot(Storage storage, VolumeName volume, SnapshotName snapshot) {
        Path directory = subvolume(storage, volume, snapshot).orElseThrow();
        if (!Subvolumes.isOne(directory)) {
            throw StorageException.refused(
                    StorageError.NOT_FOUND,
                    "snapshot '" + snapshot + "' does not exist on '" + new VolumeId(storage.id(), volume) + "'");
        }
        return directory;
    }

    @Override
    public void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        Optional<Path> subvolume = present(storage, volume);
        if (subvolume.isEmpty()) {
            super.snapshotVolume(storage, volume, snapshot);
            return;
        }
        SnapshotNames.refuseUnfit(snapshot);
        Path target = subvolume(storage, volume, snapshot).orElseThrow();
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "snapshot '" + snapshot + "' already exists on '" + new VolumeId(storage.id(), volume) + "'");
        }
        Subvolumes.snapshot(subvolume.get(), target, true);
    }

    @Override
    public void rollback(Storage storage, VolumeName volume, SnapshotName snapshot) {
        Optional<Path> subvolume = present(storage, volume);
        if (subvolume.isEmpty()) {
            super.rollback(storage, volume, snapshot);
            return;
        }
        Path place = subvolume.get();
        Path source = snapshot(storage, volume, snapshot);
        Subvolumes.refuseInUse(place);
        rollBack(storage, place, source);
    }

    /** Puts a copy of a snapshot into the place of a subvolume, which is removed, in one step. */
    void rollBack(Storage storage, Path place, Path snapshot) {
        besideOf(storage, place, directory -> {
            Path fresh = directory.resolve(place.getFileName());
            Subvolumes.snapshot(snapshot, fresh, false);
            try {
                FileMove.exchange(fresh, place);
            } catch (IOException e) {
                throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to roll '" + place + "' back");
            }
            return place;
        });
    }

    private static Path parentOf(Path place) {
        return place.resolveSibling(".").normalize();
    }

    // ---- streams

    private SubvolumeTransfers transfers(Storage storage) {
        return new SubvolumeTransfers(this, storage);
    }

    @Override
    public List<String> exportFormats(Storage storage, VolumeName volume, Transfer transfer) {
        List<String> formats = new ArrayList<>(super.exportFormats(storage, volume, transfer));
        if (subvolume(storage, volume, null).isPresent() && SubvolumeTransfers.canBeSent(transfer)) {
            formats.addFirst(SubvolumeStream.FORMAT);
        }
        return formats;
    }

    /** The same as for the export of such a volume, as in PVE. */
    @Override
    public List<String> importFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return exportFormats(storage, volume, transfer);
    }

    @Override
    public void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        if (format.equals(SubvolumeStream.FORMAT)) {
            transfers(storage).send(volume, transfer, stream);
        } else {
            super.exportVolume(storage, volume, format, transfer, stream);
        }
    }

    @Override
    public VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        return format.equals(SubvolumeStream.FORMAT)
                ? transfers(storage).receive(volume, transfer, allowRename, stream)
                : super.importVolume(storage, volume, format, transfer, allowRename, stream);
    }

    /**
     * Refuses the directory of a volume that is not in the storage as the file system sees it.
     *
     * @throws StorageException {@code UNSAFE_IMAGE}
     */
    void refuseOutside(Storage storage, VolumeName volume, Path directory) {
        refuseWayOut(storage, volume, directory);
    }

    /** Works in a hidden directory beside a subvolume, whose own directory is made if it is missing. */
    <T> T besideOf(Storage storage, Path place, Function<Path, T> work) {
        Path directory = parentOf(place);
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to make '" + directory + "'");
        }
        try {
            return staged(storage, directory, work);
        } finally {
            Snapshots.removeIfEmpty(directory);
        }
    }

    @Override
    public void deleteSnapshot(Storage storage, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
        if (present(storage, volume).isEmpty()) {
            super.deleteSnapshot(storage, volume, snapshot, isRunning);
            return;
        }
        Subvolumes.delete(List.of(snapshot(storage, volume, snapshot)));
    }

    @Override
    public Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        Optional<Path> subvolume = present(storage, volume);
        if (subvolume.isEmpty()) {
            return super.snapshots(storage, volume);
        }
        return Snapshots.infos(subvolume.get());
    }

    @Override
    public void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        throw refusedFor(volume, "rename_snapshot is not supported for storage type 'btrfs':");
    }

    @Override
    public SnapshotMethod snapshotMethod(Storage storage, VolumeName volume) {
        return subvolume(storage, volume, null).isPresent()
                ? SnapshotMethod.STORAGE
                : super.snapshotMethod(storage, volume);
    }

    @Override
    public boolean hasFeature(
            Storage storage,
            Feature feature,
            VolumeName volume,
            @Nullable SnapshotName snapshot,
            boolean isRunning,
            @Nullable Set<Format> targetFormats) {
        if (subvolume(storage, volume, null).isEmpty()) {
            return super.hasFeature(storage, feature, volume, snapshot, isRunning, targetFormats);
        }
        ParsedVolume.GuestImage image = image(volume, "has_feature");
        boolean isCurrent = snapshot == null && !image.isBase();
        return switch (feature) {
            case SNAPSHOT -> snapshot != null || isCurrent;
            case CLONE -> snapshot == null ? image.isBase() : image.format() == Format.Image.RAW;
            case TEMPLATE -> isCurrent;
            case COPY -> true;
            case SPARSEINIT -> snapshot == null && image.format() == Format.Image.RAW;
            case RENAME -> isCurrent;
            case REPLICATE -> false;
        };
    }
}
