package dev.tenon.core.storage.directory;

import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.image.Preallocation;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFiles;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.storage.common.DiskNames;
import dev.tenon.core.storage.common.Features;
import dev.tenon.core.storage.common.FormatNames;
import dev.tenon.core.storage.common.GuestTypes;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.TransferFormats;
import dev.tenon.core.storage.common.VolumeNames;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The engine of storages that are directories: PVE's base class, as far as it is about files. A type extends it, says what
 * it is, and may have images that are made in another way than as files ({@link #creation}). The file is long because the
 * interface has so many methods; what they do is in classes of its own.
 *
 * <p>Its methods call each other through {@link #self}, which in a type is the object itself; see {@link InheritedBase}.
 */
public abstract class DirectoryPlugin implements StoragePlugin {
    private final StoragePlugin self;
    private final Path guests;
    private final Set<Path> swept = ConcurrentHashMap.newKeySet();

    /** The engine of a type, which overrides methods. */
    protected DirectoryPlugin() {
        this(GuestTypes.OF_HOST);
    }

    /** As the other, where the list of guests is elsewhere. */
    protected DirectoryPlugin(Path guests) {
        self = this;
        this.guests = guests;
    }

    /** Calls the methods of this plugin. */
    DirectoryPlugin(StoragePlugin self) {
        this.self = self;
        guests = GuestTypes.OF_HOST;
    }

    /** How images are made in this storage, and what they consist of. */
    protected ImageCreation creation(Storage storage) {
        return ImageCreation.FILES;
    }

    /** Whether images of this format are made here: those that the storage says are valid, unless a type knows better. */
    protected boolean holds(Storage storage, Format format) {
        return self.pluginData().content().contains(ContentType.IMAGES.word())
                && self.formats(storage).valid().contains(format);
    }

    final Locations at(Storage storage) {
        return new Locations(self, storage);
    }

    private NewImages newImages(Storage storage) {
        return new NewImages(at(storage), creation(storage), this::refuseUnlisted);
    }

    @Override
    public String type() {
        throw StorageException.refused(StorageError.NOT_SUPPORTED, "a plugin must say its own type");
    }

    @Override
    public PluginData pluginData() {
        return new PluginData(Set.of(), Set.of(), Set.of(), null, null, Set.of(), false, Map.of());
    }

    @Override
    public Map<String, PropertySchema> properties() {
        return Map.of();
    }

    @Override
    public Map<String, PropertyOption> options() {
        return Map.of();
    }

    @Override
    public ParsedVolume parseVolname(VolumeName volume) {
        return VolumeNames.parse(volume);
    }

    /** How names of images tell their formats. */
    protected FormatNames formatNames() {
        return FormatNames.FILES;
    }

    @Override
    public final Map<Format, String> formatExtensions() {
        return formatNames().extensions();
    }

    @Override
    public final boolean isValidFormat(Format format) {
        return self.formatExtensions().containsKey(format);
    }

    @Override
    public final Optional<String> formatExtension(Format format) {
        return Optional.ofNullable(self.formatExtensions().get(format));
    }

    @Override
    public final Optional<Format> parsedFormat(String name) {
        return formatNames().parsed(name);
    }

    @Override
    public final String nameWithFormat(String name, Format format) {
        return formatNames()
                .namer()
                .name(name, format, self.formatExtension(format).orElse(""));
    }

    @Override
    public final String nameForFormat(String name, Format format, boolean isStrict) {
        return FormatNames.fitting(self, name, format, isStrict || formatNames().neverAdapts());
    }

    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        return self.filesystemPath(storage, volume, snapshot);
    }

    @Override
    public VolumePath filesystemPath(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        ParsedVolume parsed = self.parseVolname(volume);
        if (snapshot != null && parsed.format() != Format.Image.QCOW2) {
            // PVE's own words and no more, since they are compared as a whole.
            throw StorageException.refused(StorageError.NOT_SUPPORTED, "can't snapshot this image format");
        }
        String directory = self.getSubdir(storage, parsed.type());
        if (parsed instanceof ParsedVolume.GuestImage && parsed.owner() != null) {
            directory += "/" + parsed.owner();
        }
        String name = snapshot != null && !SnapshotChain.isCurrent(snapshot) && SnapshotChain.isUsedBy(storage)
                ? SnapshotChain.fileName(parsed.name(), snapshot)
                : parsed.name();
        return new VolumePath(directory + "/" + name, parsed.owner(), parsed.type());
    }

    @Override
    public String getSubdir(Storage storage, ContentType type) {
        return ContentDirectories.of(storage, type);
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        return ImageListing.list(self, storage, filter);
    }

    /** Lists the images of these formats that are files, whichever formats the type says it has. */
    protected final List<VolumeInfo> listFiles(Storage storage, ImageFilter filter, Set<String> formats) {
        return ImageListing.list(self, storage, filter, formats);
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        ParsedVolume parsed = self.parseVolname(volume);
        Format.Image format = Locations.readableFormat(volume, parsed);
        Locations at = at(storage);
        Path file = at.file(volume, null);
        at.refuseWayOut(file, volume, parsed.type());
        try {
            ImageInfo info = at.read(volume, parsed, file, format);
            return new SizeInfo(info.size(), info.format(), info.used(), info.backingFile(), info.ctime());
        } catch (IOException e) {
            throw ImageReferences.unreadable(at.volid(volume), file, e);
        }
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return DirectoryProbe.space(Paths.of(ContentDirectories.base(storage))).orElseGet(StorageStatus.Inactive::new);
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        new Activation(self, storage).run();
        if (swept.add(Paths.of(ContentDirectories.base(storage)))) {
            new Examination(at(storage), creation(storage)).sweep();
        }
    }

    /** Knows what interrupted work leaves in a directory; a type whose storages hold other things overrides this. */
    @Override
    public Optional<Examinable> examinable() {
        return Optional.of(new ExaminableDirectory(this));
    }

    @Override
    public Optional<ImageFiles> imageFiles() {
        return Optional.of(
                (storage, owner, format, filling) -> newImages(storage).stage(owner, format, filling));
    }

    /**
     * Makes a directory and those above it, if they are missing.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE}, {@code PERMISSION_DENIED} or {@code NO_SPACE}
     */
    protected static void makeDirectories(Storage storage, Path directory) {
        Activation.makeDirectories(storage, directory);
    }

    @Override
    public void deactivateStorage(Storage storage, OperationCache cache) {}

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        String path = self.path(storage, volume, snapshot).path();
        Locations at = at(storage);
        if (!path.startsWith("/")) {
            throw at.missing(volume);
        }
        Path file = Paths.of(path);
        try {
            FileStatus status = FileStatus.of(file);
            if (!ContentDirectories.hasBase(storage) && !status.isBlockDevice()) {
                throw at.missing(volume);
            }
            ParsedVolume parsed = self.parseVolname(volume);
            if (parsed.format() instanceof Format.Image format
                    && (format == Format.Image.QCOW2 || format == Format.Image.VMDK)) {
                at.read(volume, parsed, file, format); // refuses one that is not safe
            }
        } catch (IOException e) {
            throw ImageReferences.unreadable(at.volid(volume), file, e);
        }
    }

    @Override
    public void deactivateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {}

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix) {
        PluginData data = self.pluginData();
        Format wanted = format == null ? data.formatsOf(storage).preferred() : format;
        List<String> names = new ArrayList<>(namesTaken(storage, owner));
        self.listImages(storage, new ImageFilter.OfGuest(owner), OperationCache.create())
                .forEach(image -> names.add(image.volid().volume().value()));
        boolean numbersAreShared = data.formats().contains(Format.Image.SUBVOL.word());
        return DiskNames.free(storage, names, owner, wanted, addSuffix, numbersAreShared);
    }

    /** Refuses a new image that is not listed; what another plugin lists, only it knows. */
    void refuseUnlisted(Vmid owner, String fileName) {
        VolumeNames.refuseUnlisted(owner, fileName);
    }

    /** Names like those of this guest's images, listed or not. */
    List<String> namesTaken(Storage storage, Vmid owner) {
        return ImageListing.namesOf(self, storage, owner);
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        return newImages(storage).allocate(owner, format, name, size);
    }

    @Override
    public Optional<Cleanup> freeImage(Storage storage, VolumeName volume, boolean isBase, @Nullable Format format) {
        new VolumeFreeing(at(storage), creation(storage)).run(volume, isBase, format);
        return Optional.empty();
    }

    @Override
    public List<ListedVolume> listVolumes(Storage storage, @Nullable Vmid owner, Set<ContentType> content) {
        return VolumeListing.list(self, storage, owner, content, guests);
    }

    @Override
    public VolumeName createBase(Storage storage, VolumeName volume) {
        ImageLocation image = at(storage).image(volume, "create_base");
        BaseImages.refuseUnfit(image);
        int nameBegins = volume.value().lastIndexOf('/') + 1;
        VolumeName base = new VolumeName(volume.value().substring(0, nameBegins)
                + BaseImages.nameOf(volume.value().substring(nameBegins)));
        Path target = Paths.of(self.filesystemPath(storage, base, null).path());
        image.bounds().refuseWayOut(target, at(storage).volid(base));
        BaseImages.make(image.file(), target);
        return base;
    }

    @Override
    public VolumeName cloneImage(Storage storage, VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        ImageLocation image = at(storage).image(volume, "clone_image");
        if (image.format() == Format.Image.SUBVOL) {
            throw Locations.refusedFor(volume, "this storage type does not support clone_image on subvolumes");
        }
        if (snapshot != null) {
            throw Locations.refusedFor(
                    volume, "this storage type does not support clone_image on snapshot '" + snapshot + "'");
        }
        Vmid baseOwner = image.parsed().owner();
        if (!image.parsed().isBase() || baseOwner == null) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "clone_image only works on base images, and '" + at(storage).volid(volume) + "' is none");
        }
        ParsedVolume.Base base = new ParsedVolume.Base(image.parsed().name(), baseOwner);
        String name = self.findFreeDiskname(storage, owner, Format.Image.QCOW2, true);
        refuseUnlisted(owner, name);
        VolumeName clone = new VolumeName(baseOwner + "/" + base.name() + "/" + owner + "/" + name);
        Path target = Paths.of(self.filesystemPath(storage, clone, null).path());
        BaseImages.clone(storage, image, base, target);
        return clone;
    }

    @Override
    public VolumeId renameVolume(Storage storage, VolumeName volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        ImageLocation image = at(storage).image(volume, "rename_volume");
        Vmid newOwner = ImageRenaming.owner(image, owner, name);
        String wanted = name == null
                ? self.findFreeDiskname(storage, newOwner, image.format(), true)
                : ImageRenaming.fileName(name);
        String fileName = FormatNames.forHost(self, wanted, image.format());
        ImageRenaming.refuseUnfit(image, fileName);
        refuseUnlisted(newOwner, fileName);
        ParsedVolume.Base base = image.parsed().base();
        String prefix = base == null ? "" : base.owner() + "/" + base.name() + "/";
        VolumeName renamed = new VolumeName(prefix + newOwner + "/" + fileName);
        Path target = Paths.of(self.filesystemPath(storage, renamed, null).path());
        image.bounds().refuseWayOut(target, at(storage).volid(renamed));
        ImageRenaming.move(image, target);
        return new VolumeId(storage.id(), renamed);
    }

    @Override
    public void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        Format format = self.parseVolname(volume).format();
        if (format != Format.Image.RAW && format != Format.Image.QCOW2) {
            throw Locations.refusedFor(volume, "can't resize this image format (" + format.word() + ")");
        }
        ImageLocation image = at(storage).image(volume, "volume_resize");
        if (!SnapshotChain.isCurrent(snapshot) && !SnapshotChain.isUsedBy(storage)) {
            throw Locations.refusedFor(
                    volume,
                    "resizing a snapshot is not supported for storage type '"
                            + storage.config().type() + "' without 'snapshot-as-volume-chain'");
        }
        if (isRunning) {
            return; // QEMU does it
        }
        Path file = Paths.of(self.filesystemPath(storage, volume, snapshot).path());
        ImageResizing.resize(image.at(file), size, Preallocation.of(storage, image.format()));
    }

    @Override
    public void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        snapshots(at(storage), volume).take(snapshot);
    }

    private static VolumeSnapshots snapshots(Locations at, VolumeName volume) {
        return new VolumeSnapshots(at, volume);
    }

    @Override
    public Rollback rollbackIsPossible(Storage storage, VolumeName volume, SnapshotName snapshot) {
        return snapshots(at(storage), volume).rollbackIsPossible(snapshot);
    }

    @Override
    public void rollback(Storage storage, VolumeName volume, SnapshotName snapshot) {
        snapshots(at(storage), volume).rollback(snapshot);
    }

    @Override
    public void deleteSnapshot(Storage storage, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
        snapshots(at(storage), volume).delete(snapshot, isRunning);
    }

    @Override
    public Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        return snapshots(at(storage), volume).infos();
    }

    @Override
    public void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        snapshots(at(storage), volume).rename(from, to);
    }

    @Override
    public SnapshotMethod snapshotMethod(Storage storage, VolumeName volume) {
        return self.parseVolname(volume).format() == Format.Image.QCOW2 ? SnapshotMethod.QEMU : SnapshotMethod.STORAGE;
    }

    @Override
    public boolean hasFeature(
            Storage storage,
            Feature feature,
            VolumeName volume,
            @Nullable SnapshotName snapshot,
            boolean isRunning,
            @Nullable Set<Format> targetFormats) {
        return Features.has(feature, self.parseVolname(volume), snapshot, targetFormats);
    }

    @Override
    public Optional<String> mapVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, Hints hints) {
        return Optional.of(self.path(storage, volume, snapshot).path());
    }

    @Override
    public void updateAttribute(Storage storage, VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED,
                "attribute '" + attribute.word() + "' is not supported for storage type '"
                        + storage.config().type() + "'");
    }

    /** What the files beside a backup tell; empty for other volumes. For types that keep notes so. */
    protected final Optional<String> backupAttribute(Storage storage, VolumeName volume, VolumeAttribute attribute) {
        return new Backups(at(storage)).attribute(volume, attribute);
    }

    /**
     * Notes something in a file beside a backup.
     *
     * @throws StorageException {@code NOT_SUPPORTED} for other volumes; {@code NOT_FOUND}
     */
    protected final void updateBackupAttribute(
            Storage storage, VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        new Backups(at(storage)).updateAttribute(volume, attribute, value);
    }

    @Override
    public Pruned pruneBackups(
            Storage storage, Retention retention, BackupSelection selection, boolean isDryRun, TaskLog log) {
        return new Backups(at(storage)).prune(retention, selection, isDryRun, log);
    }

    @Override
    public Map<String, Object> blockdevOptions(Storage storage, VolumeName volume, BlockdevQuery query) {
        String volid = at(storage).volid(volume);
        SnapshotName snapshot = query.snapshot();
        Path file =
                BlockdevOptions.file(volid, self.path(storage, volume, snapshot).path());
        if (!SnapshotChain.isCurrent(snapshot)
                && file.toString().equals(self.path(storage, volume, null).path())) {
            throw Locations.refusedFor(
                    volume, "QEMU cannot open snapshot '" + snapshot + "', which is inside the image,");
        }
        at(storage).refuseWayOut(file, volume, self.parseVolname(volume).type());
        return BlockdevOptions.of(volid, file);
    }

    @Override
    public List<String> exportFormats(Storage storage, VolumeName volume, Transfer transfer) {
        if (!ContentDirectories.hasBase(storage) || transfer.snapshot() != null || transfer.base() != null) {
            return List.of();
        }
        return transferFormats(storage, volume, transfer);
    }

    @Override
    public List<String> importFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return ContentDirectories.hasBase(storage) && transfer.base() == null
                ? transferFormats(storage, volume, transfer)
                : List.of();
    }

    @Override
    public void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        stream.send(new VolumeExport(at(storage), volume).source(format, transfer));
    }

    @Override
    public VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        return new VolumeImport(at(storage), volume, stream)
                .run(
                        format,
                        transfer,
                        allowRename,
                        new StagedImport(newImages(storage), image -> holds(storage, image)));
    }

    private List<String> transferFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return TransferFormats.of(self.parseVolname(volume), transfer.withSnapshots(), SnapshotChain.isUsedBy(storage));
    }

    /**
     * Prepares something in a hidden directory, as new images are prepared, which is removed with what is left in it; what a
     * crash leaves is found by the doctor.
     *
     * @param guestDirectory the directory in which it is made, which exists
     * @param work gets the hidden directory
     * @throws StorageException what the work throws, {@code UNKNOWN} if the hidden directory cannot be removed then
     */
    protected final <T> T staged(Storage storage, Path guestDirectory, Function<Path, T> work) {
        return StagingDirectories.with(guestDirectory, creation(storage), work);
    }

    /**
     * Refuses the file of a volume that is not in the storage as the file system sees it.
     *
     * @throws StorageException {@code UNSAFE_IMAGE}
     */
    protected final void refuseWayOut(Storage storage, VolumeName volume, Path file) {
        at(storage).refuseWayOut(file, volume, self.parseVolname(volume).type());
    }

    /** Whether the storage keeps snapshots as files beside their image. */
    protected static boolean hasSnapshotChains(Storage storage) {
        return SnapshotChain.isUsedBy(storage);
    }
}
