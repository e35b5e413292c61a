package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
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
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFiles;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
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
import dev.tenon.core.storage.common.BackupRemoval;
import dev.tenon.core.storage.common.DiskNames;
import dev.tenon.core.storage.common.Features;
import dev.tenon.core.storage.common.GuestTypes;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.Pruning;
import dev.tenon.core.storage.common.SnapshotNames;
import dev.tenon.core.storage.common.TransferFormats;
import dev.tenon.core.storage.common.VolumeNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What all storages that are directories have in common, and what a plugin inherits that does not say otherwise: PVE's
 * {@code PVE::Storage::Plugin}.
 *
 * <p>Its methods call each other through a {@link StoragePlugin} that is given to it, because it also answers the
 * inherited methods of plugins written in another language, whose own methods must be called then. In a Java subclass that
 * is the object itself.
 */
public class BasePlugin implements StoragePlugin, ImageFiles, Examinable {

    private final StoragePlugin self;
    private final boolean answersForAnother;
    private final Path guests;
    private final Set<Path> swept = ConcurrentHashMap.newKeySet();

    /** The base of a Java storage, which overrides methods. */
    protected BasePlugin() {
        this(GuestTypes.OF_HOST);
    }

    /** As the other, where the list of guests is elsewhere. */
    protected BasePlugin(Path guests) {
        self = this;
        answersForAnother = false;
        this.guests = guests;
    }

    /** Answers the inherited methods of this plugin. */
    public BasePlugin(StoragePlugin self) {
        this.self = self;
        answersForAnother = true;
        guests = GuestTypes.OF_HOST;
    }

    /** Whether the storage is another plugin's, which inherits from this. */
    final boolean answersForAnother() {
        return answersForAnother;
    }

    @Override
    public String type() {
        throw StorageException.refused(StorageError.NOT_SUPPORTED, "the base of all plugins has no type: overwrite me");
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

    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        return self.filesystemPath(storage, volume, snapshot);
    }

    @Override
    public VolumePath filesystemPath(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        ParsedVolume parsed = self.parseVolname(volume);
        if (snapshot != null && parsed.format() != Format.Image.QCOW2) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "can't snapshot this image format (" + parsed.format().word() + ") of volume '" + volume + "'");
        }
        String directory = self.getSubdir(storage, parsed.type());
        if (parsed instanceof ParsedVolume.GuestImage && parsed.owner() != null) {
            directory += "/" + parsed.owner();
        }
        return new VolumePath(
                directory + "/" + fileName(storage, parsed.name(), snapshot), parsed.owner(), parsed.type());
    }

    private static String fileName(Storage storage, String name, @Nullable SnapshotName snapshot) {
        if (snapshot == null || isCurrent(snapshot) || !hasSnapshotChains(storage)) {
            return name;
        }
        return SnapshotChain.fileName(name, snapshot);
    }

    private static boolean isCurrent(@Nullable SnapshotName snapshot) {
        return snapshot == null || snapshot.value().equals(SnapshotChain.CURRENT);
    }

    @Override
    public String getSubdir(Storage storage, ContentType type) {
        return ContentDirectories.of(storage, type);
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        return ImageListing.list(self, storage, filter);
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        ParsedVolume parsed = self.parseVolname(volume);
        Format.Image format = readableFormat(volume, parsed);
        Path file = Paths.of(self.filesystemPath(storage, volume, null).path());
        StorageBounds bounds = bounds(storage, file, parsed.type());
        String volid = volid(storage, volume);
        bounds.refuseWayOut(file, volid);
        try {
            ImageInfo info = checked(volid, parsed, file, format, bounds);
            return new SizeInfo(info.size(), info.format(), info.used(), info.backingFile(), info.ctime());
        } catch (IOException e) {
            throw ImageReferences.unreadable(volid, file, e);
        }
    }

    /** Content without a format of its own, such as an ISO image, is read as raw. */
    static Format.Image readableFormat(VolumeName volume, ParsedVolume parsed) {
        return switch (parsed.format()) {
            case Format.Image image -> image;
            case Format.Other(String word) -> {
                if (parsed instanceof ParsedVolume.GuestImage || word.startsWith("ova+")) {
                    throw StorageException.refused(
                            StorageError.NOT_SUPPORTED,
                            "volume '" + volume + "' is of unsupported format '" + word + "'");
                }
                yield Format.Image.RAW;
            }
        };
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return DirectoryProbe.space(Paths.of(ContentDirectories.base(storage))).orElseGet(StorageStatus.Inactive::new);
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        Path base = Paths.of(ContentDirectories.base(storage));
        if (DirectoryProbe.space(base).isEmpty()) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "unable to activate storage '" + storage.id() + "' - directory '" + base
                            + "' does not exist or is unreachable");
        }
        Set<ContentType> content = enabledContent(storage);
        if (storage.config().flag("create-subdirs", storage.config().flag("mkdir", true))) {
            makeContentDirectories(storage, content);
        }
        refuseSharedDirectories(storage, content);
        if (swept.add(base)) {
            new DirectoryExamination(self, storage, volume -> image(storage, volume, "examine")).sweep();
        }
    }

    @Override
    public List<Finding> examine(Storage storage, List<Interruption> interruptions) {
        return new DirectoryExamination(self, storage, volume -> image(storage, volume, "examine")).run(interruptions);
    }

    @Override
    public Map<String, String> witness(Storage storage, VolumeName volume) {
        try {
            return DirectoryExamination.witness(
                    Paths.of(self.filesystemPath(storage, volume, null).path()));
        } catch (StorageException e) {
            return Map.of(); // the operation itself tells what is wrong
        }
    }

    private Set<ContentType> enabledContent(Storage storage) {
        Set<ContentType> content = storage.config().content();
        if (storage.config().words("content").isEmpty()) {
            self.pluginData()
                    .defaultContent()
                    .forEach(word -> ContentType.ofWord(word).ifPresent(content::add));
        }
        content.remove(ContentType.NONE);
        return content;
    }

    private void makeContentDirectories(Storage storage, Set<ContentType> content) {
        for (ContentType type : content) {
            makeContentDirectory(storage, type);
        }
        if (content.contains(ContentType.ROOTDIR)) {
            makeContentDirectory(storage, ContentType.BACKUP); // containers are moved by way of it
        }
    }

    private void makeContentDirectory(Storage storage, ContentType type) {
        makeDirectories(storage, Paths.of(self.getSubdir(storage, type)));
    }

    /**
     * Makes a directory and those above it, if they are missing.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE}, {@code PERMISSION_DENIED} or {@code NO_SPACE}
     */
    protected static void makeDirectories(Storage storage, Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            String reason = Failures.reason(e);
            String hint = reason.contains("Permission denied") || reason.contains("Read-only file system")
                    ? " (make it by hand, or switch create-base-path and create-subdirs off)"
                    : "";
            StorageException failure = Failures.of(
                    e,
                    Outcome.FAILED_CLEAN,
                    "unable to activate storage '" + storage.id() + "' - cannot create directory '" + directory + "'");
            throw new StorageException(failure.error(), failure.outcome(), failure.getMessage() + hint, e);
        }
    }

    private void refuseSharedDirectories(Storage storage, Set<ContentType> content) {
        Map<Path, ContentType> used = new HashMap<>();
        for (ContentType type : content) {
            Path directory;
            try {
                directory = Paths.of(self.getSubdir(storage, type)).toRealPath();
            } catch (IOException e) {
                continue; // one that does not exist holds nothing
            }
            if (used.put(directory, type) != null) {
                throw StorageException.refused(
                        StorageError.BAD_CONFIG,
                        "storage '" + storage.id() + "' uses directory " + directory + " for multiple content types");
            }
        }
    }

    @Override
    public void deactivateStorage(Storage storage, OperationCache cache) {}

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        String path = self.path(storage, volume, snapshot).path();
        String volid = volid(storage, volume);
        if (!path.startsWith("/")) {
            throw missing(volid, null);
        }
        Path file = Paths.of(path);
        try {
            FileStatus status = FileStatus.of(file);
            if (!hasPath(storage) && !status.isBlockDevice()) {
                throw missing(volid, null);
            }
            refuseUnsafe(storage, volume, volid, file);
        } catch (IOException e) {
            throw ImageReferences.unreadable(volid, file, e);
        }
    }

    private void refuseUnsafe(Storage storage, VolumeName volume, String volid, Path file) throws IOException {
        ParsedVolume parsed = self.parseVolname(volume);
        if (parsed.format() instanceof Format.Image format
                && (format == Format.Image.QCOW2 || format == Format.Image.VMDK)) {
            checked(volid, parsed, file, format, bounds(storage, file, parsed.type()));
        }
    }

    static ImageInfo checked(String volid, ParsedVolume parsed, Path file, Format.Image format, StorageBounds bounds)
            throws IOException {
        return parsed.type() == ContentType.IMPORT
                ? ImageReferences.checkForeign(volid, file, format, bounds)
                : ImageReferences.check(volid, file, format, bounds);
    }

    @Override
    public void deactivateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {}

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix) {
        PluginData data = self.pluginData();
        Format wanted = format == null ? defaultFormat(storage, data) : format;
        List<String> names = new ArrayList<>();
        self.listImages(storage, new ImageFilter.OfGuest(owner), OperationCache.create())
                .forEach(image -> names.add(image.volid().volume().value()));
        if (!answersForAnother) {
            names.addAll(ImageListing.namesOf(self, storage, owner));
        }
        boolean numbersAreShared = data.formats().contains(Format.Image.SUBVOL.word());
        return DiskNames.free(storage, names, owner, wanted, addSuffix, numbersAreShared);
    }

    private static Format defaultFormat(Storage storage, PluginData data) {
        return storage.config()
                .text("format")
                .filter(data.formats()::contains)
                .or(() -> Optional.ofNullable(data.defaultFormat()))
                .map(Format::ofWord)
                .orElse(Format.Image.RAW);
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        if (!(format instanceof Format.Image image)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "unable to allocate an image of unsupported format " + Quoted.of(format.word()));
        }
        NewImage created = newImage(storage, owner, image, name);
        if (image == Format.Image.SUBVOL && size.bytes() != 0) {
            throw StorageException.refused(StorageError.NOT_SUPPORTED, "storage does not support subvol quotas");
        }
        Optional<Preallocation> preallocation = Preallocation.of(storage, image);
        created.refuseExisting();
        switch (image) {
            case SUBVOL -> ImageAllocation.subvolume(created.file());
            case RAW, QCOW2, VMDK -> ImageAllocation.image(created.file(), image, size, preallocation);
        }
        return created.volume();
    }

    @Override
    public Staged stageImage(Storage storage, Vmid owner, Format.Image format, Consumer<Path> filling) {
        if (format == Format.Image.SUBVOL) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "a new subvol is a directory and is not filled as an image is");
        }
        NewImage expected = newImage(storage, owner, format, null);
        ImageAllocation allocation = ImageAllocation.staged(
                directoryOf(expected.file()), String.valueOf(expected.file().getFileName()), filling);
        return new Staged() {
            @Override
            public VolumeName place(@Nullable String name) {
                NewImage image = newImage(storage, owner, format, name);
                allocation.place(String.valueOf(image.file().getFileName()));
                return image.volume();
            }

            @Override
            public void close() {
                allocation.discard();
            }
        };
    }

    /** The place of an image that is to be made. */
    record NewImage(VolumeName volume, Path file) {
        void refuseExisting() {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                throw StorageException.refused(StorageError.ALREADY_EXISTS, "disk image '" + file + "' already exists");
            }
        }
    }

    /**
     * Where a new image of the guest goes.
     *
     * @param name the wanted name, null to choose a free one
     */
    final NewImage newImage(Storage storage, Vmid owner, Format.Image format, @Nullable String name) {
        Path images = Paths.of(self.getSubdir(storage, ContentType.IMAGES));
        refuseMissingStorage(storage);
        String fileName = name == null ? self.findFreeDiskname(storage, owner, format, true) : name;
        VolumeNames.ImageName parsed = VolumeNames.ImageName.parse(fileName);
        if (parsed.format() != format) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "illegal name " + Quoted.of(fileName) + " - wrong extension for format ('"
                            + parsed.format().word() + "' != '" + format.word() + "')");
        }
        VolumeName volume = new VolumeName(owner + "/" + fileName);
        refuseUnlisted(owner, fileName);
        Path file = images.resolve(owner.toString()).resolve(fileName);
        bounds(storage, file, ContentType.IMAGES).refuseWayOut(file, volid(storage, volume));
        return new NewImage(volume, file);
    }

    /** What another plugin, which inherits this, lists is its own. */
    private void refuseUnlisted(Vmid owner, String fileName) {
        if (!answersForAnother) {
            VolumeNames.refuseUnlisted(owner, fileName);
        }
    }

    /** A storage that is not mounted must not be made anew, below its mount point. */
    private static void refuseMissingStorage(Storage storage) {
        if (!hasPath(storage)) {
            return;
        }
        Path base = Paths.of(ContentDirectories.base(storage));
        if (!Files.isDirectory(base)) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "unable to allocate an image on storage '" + storage.id() + "' - directory '" + base
                            + "' does not exist or is unreachable");
        }
    }

    @Override
    public Optional<Cleanup> freeImage(Storage storage, VolumeName volume, boolean isBase, @Nullable Format format) {
        ParsedVolume parsed = self.parseVolname(volume);
        Path file = Paths.of(self.filesystemPath(storage, volume, null).path());
        bounds(storage, file, parsed.type()).refuseWayOut(file, volid(storage, volume));
        refuseProtected(storage, volume, parsed, file);
        switch (parsed) {
            case ParsedVolume.Content content
            when content.type() == ContentType.BACKUP -> {
                VolumeRemoval.file(file);
                new BackupFiles(file).removeCompanions();
            }
            case ParsedVolume.Content content -> VolumeRemoval.file(file);
            case ParsedVolume.GuestImage image -> {
                removeImage(storage, image, file, isBase || image.isBase(), format);
                VolumeRemoval.emptyDirectory(file.getParent());
            }
        }
        return Optional.empty();
    }

    /** The mark beside a backup counts even if the plugin does not know of marks. */
    private void refuseProtected(Storage storage, VolumeName volume, ParsedVolume parsed, Path file) {
        boolean isMarked = parsed.type() == ContentType.BACKUP && new BackupFiles(file).isProtected();
        boolean isProtected = isMarked
                || self.attribute(storage, volume, VolumeAttribute.PROTECTED)
                        .filter(value -> !value.isEmpty() && !value.equals("0"))
                        .isPresent();
        if (isProtected) {
            throw StorageException.refused(
                    StorageError.PERMISSION_DENIED,
                    "cannot remove protected volume '" + volume + "' on '" + storage.id() + "'");
        }
    }

    private static void removeImage(
            Storage storage, ParsedVolume.GuestImage image, Path file, boolean isBase, @Nullable Format format) {
        if (isBase && Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            BaseImages.refuseUsedBySnapshots(image, file);
            VolumeRemoval.makeMutable(file);
        }
        if (image.format() == Format.Image.SUBVOL || format == Format.Image.SUBVOL) {
            VolumeRemoval.subvolume(file);
            return;
        }
        if (hasSnapshotChains(storage) && image.format() == Format.Image.QCOW2) {
            VolumeRemoval.fileWithSnapshots(file);
        } else {
            VolumeRemoval.file(file);
        }
    }

    @Override
    public void lockStorage(StorageId storage, boolean isShared, @Nullable Duration timeout, Runnable work) {
        throw unsupported("cluster_lock_storage");
    }

    @Override
    public Formats formats(Storage storage) {
        PluginData data = self.pluginData();
        Set<Format> valid = new LinkedHashSet<>();
        data.formats().forEach(word -> valid.add(Format.ofWord(word)));
        Format preferred = defaultFormat(storage, data);
        valid.add(preferred);
        return new Formats(preferred, valid);
    }

    @Override
    public String identity(Storage storage) {
        throw unsupported("get_identity");
    }

    @Override
    public List<ListedVolume> listVolumes(Storage storage, @Nullable Vmid owner, Set<ContentType> content) {
        return VolumeListing.list(self, storage, owner, content, guests, hasPath(storage));
    }

    @Override
    public VolumeName createBase(Storage storage, VolumeName volume) {
        ImageLocation image = image(storage, volume, "create_base");
        BaseImages.refuseUnfit(image);
        int nameBegins = volume.value().lastIndexOf('/') + 1;
        VolumeName base = new VolumeName(volume.value().substring(0, nameBegins)
                + BaseImages.nameOf(volume.value().substring(nameBegins)));
        Path target = Paths.of(self.filesystemPath(storage, base, null).path());
        image.bounds().refuseWayOut(target, volid(storage, base));
        BaseImages.make(image.file(), target);
        return base;
    }

    @Override
    public VolumeName cloneImage(Storage storage, VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        ImageLocation image = image(storage, volume, "clone_image");
        if (image.format() == Format.Image.SUBVOL) {
            throw refusedFor(volume, "this storage type does not support clone_image on subvolumes");
        }
        if (snapshot != null) {
            throw refusedFor(volume, "this storage type does not support clone_image on snapshot '" + snapshot + "'");
        }
        Vmid baseOwner = image.parsed().owner();
        if (!image.parsed().isBase() || baseOwner == null) {
            throw refusedFor(volume, "clone_image only works on base images");
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
        ImageLocation image = image(storage, volume, "rename_volume");
        Vmid newOwner = ImageRenaming.owner(image, owner, name);
        String fileName = name == null
                ? self.findFreeDiskname(storage, newOwner, image.format(), true)
                : ImageRenaming.fileName(name);
        ImageRenaming.refuseUnfit(image, fileName);
        refuseUnlisted(newOwner, fileName);
        ParsedVolume.Base base = image.parsed().base();
        String prefix = base == null ? "" : base.owner() + "/" + base.name() + "/";
        VolumeName renamed = new VolumeName(prefix + newOwner + "/" + fileName);
        Path target = Paths.of(self.filesystemPath(storage, renamed, null).path());
        image.bounds().refuseWayOut(target, volid(storage, renamed));
        ImageRenaming.move(image, target);
        return new VolumeId(storage.id(), renamed);
    }

    @Override
    public void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        Format format = self.parseVolname(volume).format();
        if (format != Format.Image.RAW && format != Format.Image.QCOW2) {
            throw refusedFor(volume, "can't resize this image format (" + format.word() + ")");
        }
        ImageLocation image = image(storage, volume, "volume_resize");
        if (!isCurrent(snapshot) && !hasSnapshotChains(storage)) {
            throw refusedFor(
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
        SnapshotNames.refuseUnfit(snapshot);
        ImageLocation image = imageWithSnapshots(storage, volume);
        if (hasSnapshotChains(storage)) {
            if (answersForAnother) {
                ChainSnapshots.take(
                        storage, image, snapshot, (from, to) -> self.renameSnapshot(storage, volume, from, to));
            } else {
                ChainSnapshots.take(storage, image, snapshot);
            }
        } else {
            new InternalSnapshots(image).take(snapshot);
        }
    }

    @Override
    public Rollback rollbackIsPossible(Storage storage, VolumeName volume, SnapshotName snapshot) {
        if (!hasSnapshotChains(storage) || self.parseVolname(volume).format() != Format.Image.QCOW2) {
            return new Rollback.Possible();
        }
        return ChainSnapshots.rollbackIsPossible(SnapshotChain.read(imageWithSnapshots(storage, volume)), snapshot);
    }

    @Override
    public void rollback(Storage storage, VolumeName volume, SnapshotName snapshot) {
        ImageLocation image = imageWithSnapshots(storage, volume);
        if (!hasSnapshotChains(storage)) {
            new InternalSnapshots(image).apply(snapshot);
            return;
        }
        SnapshotChain chain = SnapshotChain.read(image);
        if (self.rollbackIsPossible(storage, volume, snapshot) instanceof Rollback.Blocked blocked) {
            boolean exists = chain.position(snapshot).isPresent();
            throw StorageException.refused(exists ? StorageError.IN_USE : StorageError.NOT_FOUND, blocked.reason());
        }
        ChainSnapshots.rollback(storage, chain, snapshot);
    }

    @Override
    public void deleteSnapshot(Storage storage, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
        ImageLocation image = imageWithSnapshots(storage, volume);
        if (hasSnapshotChains(storage)) {
            if (isRunning) {
                Path file =
                        Paths.of(self.filesystemPath(storage, volume, snapshot).path());
                ChainSnapshots.deleteFile(image, file, Outcome.FAILED_CLEAN);
            } else {
                ChainSnapshots.delete(SnapshotChain.read(image), snapshot);
            }
        } else if (!isRunning) {
            self.deactivateVolume(storage, volume, snapshot, OperationCache.create());
            new InternalSnapshots(image).delete(snapshot);
        }
    }

    @Override
    public Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        ImageLocation image = image(storage, volume, "volume_snapshot_info");
        if (hasSnapshotChains(storage) && image.format() != Format.Image.SUBVOL) {
            return SnapshotChain.read(image).infos();
        }
        if (image.format() != Format.Image.QCOW2) {
            image.check();
            return Map.of();
        }
        return new InternalSnapshots(image).infos();
    }

    @Override
    public void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        SnapshotNames.refuseTooLong(to); // but 'current': QEMU's commands rename to it and back
        Path source = Paths.of(self.filesystemPath(storage, volume, from).path());
        Path target = Paths.of(self.filesystemPath(storage, volume, to).path());
        ChainSnapshots.rename(image(storage, volume, "rename_snapshot"), source, target, from, to);
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
        return backup(storage, volume).map(backup -> switch (attribute) {
            case NOTES -> backup.notes();
            case PROTECTED -> backup.isProtected() ? "1" : "0";
        });
    }

    /**
     * Notes something in a file beside a backup.
     *
     * @throws StorageException {@code NOT_SUPPORTED} for other volumes; {@code NOT_FOUND}
     */
    protected final void updateBackupAttribute(
            Storage storage, VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        BackupFiles backup = backup(storage, volume)
                .orElseThrow(() -> refusedFor(volume, "only backups support attribute '" + attribute.word() + "'"));
        if (!Files.exists(backup.archive())) {
            throw missing(volid(storage, volume), null);
        }
        String text = value == null ? "" : value;
        switch (attribute) {
            case NOTES -> backup.setNotes(text);
            case PROTECTED -> backup.setProtected(!text.isEmpty() && !text.equals("0"));
        }
    }

    private Optional<BackupFiles> backup(Storage storage, VolumeName volume) {
        if (self.parseVolname(volume).type() != ContentType.BACKUP) {
            return Optional.empty();
        }
        Path file = Paths.of(self.filesystemPath(storage, volume, null).path());
        bounds(storage, file, ContentType.BACKUP).refuseWayOut(file, volid(storage, volume));
        return Optional.of(new BackupFiles(file));
    }

    @Override
    public Pruned pruneBackups(
            Storage storage, Retention retention, BackupSelection selection, boolean isDryRun, TaskLog log) {
        Pruning.check(retention);
        List<ListedVolume> backups = self.listVolumes(storage, selection.owner(), Set.of(ContentType.BACKUP));
        List<PruneMark> marks = Pruning.marks(backups, retention, selection.type());
        if (!isDryRun) {
            BackupRemoval.run(
                    marks,
                    mark -> backup(storage, mark.volid().volume())
                            .orElseThrow(() -> refusedFor(mark.volid().volume(), "not a backup"))
                            .remove(),
                    log);
        }
        return new Pruned(marks, retention);
    }

    @Override
    public Map<String, Object> blockdevOptions(Storage storage, VolumeName volume, BlockdevQuery query) {
        String volid = volid(storage, volume);
        SnapshotName snapshot = query.snapshot();
        Path file =
                BlockdevOptions.file(volid, self.path(storage, volume, snapshot).path());
        if (!isCurrent(snapshot)
                && file.toString().equals(self.path(storage, volume, null).path())) {
            throw refusedFor(volume, "QEMU cannot open snapshot '" + snapshot + "', which is inside the image,");
        }
        bounds(storage, file, self.parseVolname(volume).type()).refuseWayOut(file, volid);
        return BlockdevOptions.of(volid, file);
    }

    @Override
    public List<String> exportFormats(Storage storage, VolumeName volume, Transfer transfer) {
        if (!hasPath(storage) || transfer.snapshot() != null || transfer.base() != null) {
            return List.of();
        }
        return transferFormats(storage, volume, transfer);
    }

    @Override
    public List<String> importFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return hasPath(storage) && transfer.base() == null ? transferFormats(storage, volume, transfer) : List.of();
    }

    @Override
    public void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        stream.send(new VolumeExport(this, self, storage, volume).source(format, transfer));
    }

    @Override
    public VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        return new VolumeImport(this, self, storage, volume, stream).run(format, transfer, allowRename);
    }

    private List<String> transferFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return TransferFormats.of(self.parseVolname(volume), transfer.withSnapshots(), hasSnapshotChains(storage));
    }

    /**
     * Where this image of a guest is.
     *
     * @param method what is refused for other volumes
     */
    private ImageLocation image(Storage storage, VolumeName volume, String method) {
        return switch (self.parseVolname(volume)) {
            case ParsedVolume.Content content ->
                throw refusedFor(
                        volume, method + " on wrong vtype '" + content.type().word() + "'");
            case ParsedVolume.GuestImage image -> {
                if (!(image.format() instanceof Format.Image format)) {
                    throw refusedFor(
                            volume,
                            method + " on unsupported format '" + image.format().word() + "'");
                }
                Path file = Paths.of(self.filesystemPath(storage, volume, null).path());
                StorageBounds bounds = bounds(storage, file, ContentType.IMAGES);
                bounds.refuseWayOut(file, volid(storage, volume));
                yield new ImageLocation(new VolumeId(storage.id(), volume), image, format, file, bounds);
            }
        };
    }

    private ImageLocation imageWithSnapshots(Storage storage, VolumeName volume) {
        Format format = self.parseVolname(volume).format();
        if (format != Format.Image.QCOW2) {
            throw refusedFor(volume, "can't snapshot this image format (" + format.word() + ")");
        }
        return image(storage, volume, "volume_snapshot");
    }

    private static StorageException refusedFor(VolumeName volume, String what) {
        return StorageException.refused(StorageError.NOT_SUPPORTED, what + " of volume '" + volume + "'");
    }

    private StorageException unsupported(String method) {
        return StorageException.refused(
                StorageError.NOT_SUPPORTED, method + " is not implemented for storage type '" + self.type() + "'");
    }

    /** A storage without a path keeps its images somewhere of its own, each beside those it names. */
    protected final StorageBounds bounds(Storage storage, Path file, ContentType type) {
        if (hasPath(storage)) {
            return StorageBounds.of(
                    Paths.of(ContentDirectories.base(storage)), Paths.of(self.getSubdir(storage, type)));
        }
        return StorageBounds.of(directoryOf(file));
    }

    private static Path directoryOf(Path file) {
        Path parent = file.getParent();
        return parent == null ? file : parent;
    }

    private static boolean hasPath(Storage storage) {
        return storage.config().text("path").filter(path -> !path.isEmpty()).isPresent();
    }

    /** Whether the storage keeps snapshots as files beside their image. */
    protected static boolean hasSnapshotChains(Storage storage) {
        return storage.config().flag("snapshot-as-volume-chain", false);
    }

    private static String volid(Storage storage, VolumeName volume) {
        return storage.id() + ":" + volume;
    }

    private static StorageException missing(String volid, @Nullable Throwable cause) {
        return new StorageException(
                StorageError.NOT_FOUND, Outcome.NOT_STARTED, "volume '" + volid + "' does not exist", cause);
    }
}
