package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.storage.common.DeclaredDevicePlugin;
import dev.tenon.core.storage.common.FormatNames;
import dev.tenon.core.storage.common.SnapshotNames;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The storage type {@code zfspool}: volumes and file systems in a pool of ZFS, named as PVE's plugin does it, so that both can
 * use one pool. A base image has a snapshot {@code __base__}, of which its linked clones are made. The file is long because it has
 * a method for each that plugins have, and each hands on to the class that does it.
 */
public final class ZfsPoolPlugin extends DeclaredDevicePlugin {
    private static final Logger LOG = LoggerFactory.getLogger(ZfsPoolPlugin.class);

    private final Zfs zfs;

    public ZfsPoolPlugin() {
        this(ZfsHost.usual());
    }

    /** On a node that keeps its things elsewhere. */
    public ZfsPoolPlugin(ZfsHost host) {
        super(Configuration.TYPE, FormatNames.ZFS_POOL);
        zfs = Zfs.of(host);
    }

    private Datasets datasets(Storage storage) {
        return new Datasets(zfs, storage);
    }

    // ---- the type

    @Override
    public String hostClass() {
        return "PVE::Storage::ZFSPoolPlugin";
    }

    @Override
    public Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
        Map<String, Object> checked = super.checkConfig(storage, properties, isNew);
        Configuration.check(storage, checked);
        return checked;
    }

    /** Where the pool is mounted is written down, if it is known. */
    @Override
    public HookResult onAdd(Storage storage, Secrets secrets) {
        Map<String, Object> properties = new LinkedHashMap<>(storage.config().properties());
        Optional<String> mounted = mountpointNow(storage);
        Optional<String> given = storage.config().text(Configuration.MOUNTPOINT);
        if (given.isEmpty()) {
            mounted.ifPresent(path -> properties.put(Configuration.MOUNTPOINT, path));
        } else if (mounted.isPresent() && !given.get().replaceFirst("/\\z", "").equals(mounted.get())) {
            LOG.warn(
                    "warning for {} - mountpoint: {} does not match current mount point: {}",
                    storage.id(),
                    given.get(),
                    mounted.get());
        }
        return new HookResult(properties, Map.of());
    }

    /** Empty if it is not mounted by ZFS, or the pool is not there yet. */
    private Optional<String> mountpointNow(Storage storage) {
        try {
            return Optional.of(zfs.property(Configuration.MOUNTPOINT, Configuration.place(storage)))
                    .filter(path -> path.matches("/[^;()\\p{Cntrl}]+"));
        } catch (StorageException e) {
            LOG.info("storage {}: where it is mounted is not known: {}", storage.id(), e.getMessage());
            return Optional.empty();
        }
    }

    // ---- names

    @Override
    public ParsedVolume.GuestImage parseVolname(VolumeName volume) {
        return ZfsNames.parse(volume);
    }

    @Override
    public List<NamePattern> namePatterns() {
        return ZfsNames.patterns();
    }

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix) {
        return datasets(storage).freeName(owner, format == null ? Format.Image.RAW : format);
    }

    // ---- where volumes are

    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        ParsedVolume.GuestImage image = parseVolname(volume);
        String path = image.format() == Format.Image.RAW
                ? datasets(storage).device(image.name()).toString()
                : Configuration.mountpoint(storage) + "/" + image.name();
        return new VolumePath(snapshot == null ? path : path + "@" + snapshot, ownerOf(image), ContentType.IMAGES);
    }

    /** It need not exist or be active: QEMU opens it later. */
    @Override
    public Map<String, Object> blockdevOptions(Storage storage, VolumeName volume, BlockdevQuery query) {
        if (parseVolname(volume).format() != Format.Image.RAW) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "volume " + Quoted.of(volume.value()) + " not usable as VM image");
        }
        if (query.snapshot() != null) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "cannot attach only the snapshot of a zvol: '" + volume + "' at '" + query.snapshot() + "'");
        }
        return Map.of(
                "driver", "host_device", "filename", path(storage, volume, null).path());
    }

    // ---- the storage

    /** The storage's dataset and what is directly in it, and maybe more of the pool. */
    private List<Dataset> all(Storage storage, OperationCache cache) {
        return zfs.all(Configuration.pool(storage), Configuration.place(storage), cache);
    }

    private Optional<Dataset> own(Storage storage, List<Dataset> all) {
        String place = Configuration.place(storage);
        return all.stream().filter(dataset -> dataset.name().equals(place)).findFirst();
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return own(storage, all(storage, cache))
                .<StorageStatus>map(dataset -> new StorageStatus.Active(
                        ByteSize.ofBytes(dataset.used() + dataset.available()),
                        ByteSize.ofBytes(dataset.available()),
                        ByteSize.ofBytes(dataset.used())))
                .orElseGet(StorageStatus.Inactive::new);
    }

    /** Imports the pool if that was not done, and mounts what is not mounted. */
    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        String place = Configuration.place(storage);
        if (isMounted(place)) {
            return;
        }
        try {
            if (own(storage, all(storage, cache)).isEmpty()) {
                importPool(storage);
            }
            zfs.change("mount", "-a");
        } catch (StorageException e) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE,
                    e.outcome(),
                    "could not activate storage '" + storage.id() + "', " + e.getMessage(),
                    e);
        }
    }

    private void importPool(Storage storage) {
        String place = Configuration.place(storage);
        String pool = Configuration.pool(storage);
        if (zfs.find(pool).isEmpty()) {
            zfs.told(
                    () -> zfs.changePool("import", "-d", "/dev/disk/by-id/", "-o", "cachefile=none", pool),
                    () -> zfs.find(pool).isEmpty());
        }
        if (zfs.find(place).isEmpty()) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE, "there is no dataset '" + place + "' in the pool");
        }
    }

    /** Whether it, or something in it, is mounted: then all that can be is. */
    private boolean isMounted(String place) {
        try (Stream<String> mounts = Files.lines(zfs.host().mounts())) {
            return mounts.map(line -> line.split(" ", -1))
                    .anyMatch(words -> words.length > 2
                            && words[2].equals("zfs")
                            && (words[0].equals(place) || words[0].startsWith(place + "/")));
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        String place = Configuration.place(storage);
        List<Dataset> all = all(storage, cache);
        if (own(storage, all).isEmpty()) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "zfs error: cannot open '" + place + "': dataset does not exist (storage '" + storage.id() + "')");
        }
        List<VolumeInfo> volumes = new ArrayList<>();
        for (Dataset dataset : all) {
            ZfsNames.image(dataset, place).ifPresent(image -> {
                VolumeId volid = new VolumeId(storage.id(), ZfsNames.volume(image));
                if (filter.accepts(volid, Optional.ofNullable(image.owner()))) {
                    String origin = dataset.origin();
                    volumes.add(new VolumeInfo(
                            volid,
                            dataset.format(),
                            ByteSize.ofBytes(dataset.size()),
                            image.owner(),
                            null,
                            origin != null && origin.startsWith(place + "/")
                                    ? origin.substring(place.length() + 1)
                                    : origin,
                            null,
                            Map.of()));
                }
            });
        }
        return volumes;
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        ParsedVolume.GuestImage image = parseVolname(volume);
        Dataset dataset = datasets(storage).present(image);
        ParsedVolume.Base base = image.base();
        return new SizeInfo(
                ByteSize.ofBytes(dataset.size()),
                image.format(),
                ByteSize.ofBytes(dataset.usedAlone()),
                base == null ? null : base.name(),
                null);
    }

    @Override
    protected <T> T locked(Storage storage, Supplier<T> work) {
        return zfs.host().locks().storage(storage.id(), false).hold(null, work);
    }

    @Override
    public boolean canReplicate(Storage storage, Format format) {
        return format == Format.Image.RAW || format == Format.Image.SUBVOL;
    }

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        ParsedVolume.GuestImage image = parseVolname(volume);
        if (snapshot == null) {
            datasets(storage).activate(image);
        } else {
            datasets(storage).present(image.name(), snapshot.value());
        }
    }

    // ---- volumes

    @Override
    public Optional<Examinable> examinable() {
        return Optional.of(new ExaminablePool(this::datasets));
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        if (!isValidFormat(format)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "unsupported format " + Quoted.of(format.word()));
        }
        String before = (format == Format.Image.RAW ? "vm-" : "subvol-") + owner + "-";
        if (name != null && !name.startsWith(before)) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME, "illegal name " + Quoted.of(name) + " - should be '" + before + "*'");
        }
        Datasets datasets = datasets(storage);
        VolumeName volume = new VolumeName(name == null ? datasets.freeName(owner, format) : name);
        parseVolname(volume);
        datasets.create(volume.value(), format, size);
        return volume;
    }

    @Override
    protected Optional<Cleanup> remove(Storage storage, VolumeName volume) {
        new Removal(datasets(storage), Configuration.pool(storage), parseVolname(volume)).run();
        return Optional.empty();
    }

    @Override
    public VolumeName createBase(Storage storage, VolumeName volume) {
        ParsedVolume.GuestImage image = parseVolname(volume);
        if (image.isBase()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "create_base not possible with base image '" + storage.id() + ":" + volume + "'");
        }
        VolumeName base = ZfsNames.volume(
                image, image.name().replaceFirst("^vm-", "base-").replaceFirst("^subvol-", "basevol-"));
        Datasets datasets = datasets(storage);
        // It would be the state of the base image, and is of another time.
        refuseSnapshot(datasets, image, ZfsNames.BASE_SNAPSHOT);
        datasets.makeBase(image, parseVolname(base));
        return base;
    }

    private static void refuseSnapshot(Datasets datasets, ParsedVolume.GuestImage image, String snapshot) {
        if (datasets.snapshots(image.name()).stream()
                .anyMatch(each -> each.name().equals(snapshot))) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "zfs error: cannot create snapshot '" + datasets.place(image.name()) + "@" + snapshot
                            + "': dataset already exists");
        }
    }

    @Override
    public VolumeName cloneImage(Storage storage, VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        ParsedVolume.GuestImage base = parseVolname(volume);
        if (!base.isBase()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "clone_image only works on base images, and '" + storage.id() + ":" + volume + "' is none");
        }
        Datasets datasets = datasets(storage);
        String name = datasets.freeName(owner, base.format());
        datasets.cloneImage(base, snapshot == null ? ZfsNames.BASE_SNAPSHOT : ZfsNames.snapshot(snapshot), name);
        return new VolumeName(snapshot == null ? base.name() + "/" + name : name);
    }

    @Override
    public VolumeId renameVolume(Storage storage, VolumeName volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        ParsedVolume.GuestImage image = parseVolname(volume);
        Datasets datasets = datasets(storage);
        String target =
                name == null ? datasets.freeName(owner == null ? ownerOf(image) : owner, image.format()) : name.value();
        ParsedVolume.GuestImage renamed = parseVolname(new VolumeName(target));
        if (renamed.base() != null || !renamed.format().equals(image.format())) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "illegal name " + Quoted.of(target) + " - a new name of '" + image.name() + "' is of format '"
                            + image.format().word() + "', and without that of a base image");
        }
        datasets.rename(image, target);
        return new VolumeId(storage.id(), ZfsNames.volume(image, target));
    }

    @Override
    public void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        ParsedVolume.GuestImage image = parseVolname(volume);
        if (snapshot != null) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "resizing a snapshot is not supported for storage '" + storage.id() + "' of type '" + type() + "'");
        }
        datasets(storage).resize(image, size);
    }

    // ---- snapshots

    @Override
    public void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        ParsedVolume.GuestImage image = parseVolname(volume);
        SnapshotNames.refuseUnfit(snapshot);
        datasets(storage).snapshot(image, ZfsNames.snapshot(snapshot));
    }

    @Override
    public Rollback rollbackIsPossible(Storage storage, VolumeName volume, SnapshotName snapshot) {
        ParsedVolume.GuestImage image = parseVolname(volume);
        Datasets datasets = datasets(storage);
        String volid = storage.id() + ":" + volume;
        List<String> names =
                datasets.snapshots(image.name()).stream().map(Snapshot::name).toList();
        int at = names.indexOf(snapshot.value());
        if (at < 0) {
            return new Rollback.Blocked(
                    "can't rollback, snapshot '" + snapshot + "' does not exist on '" + volid + "'", List.of());
        }
        if (at == names.size() - 1) {
            return new Rollback.Possible();
        }
        // ZFS takes a name that begins with a hyphen, and nobody else does.
        List<SnapshotName> later = names.subList(at + 1, names.size()).stream()
                .filter(name -> !name.startsWith("-"))
                .map(SnapshotName::new)
                .toList();
        return new Rollback.Blocked(
                "can't rollback, '" + snapshot + "' is not most recent snapshot on '" + volid + "'", later);
    }

    @Override
    public void rollback(Storage storage, VolumeName volume, SnapshotName snapshot) {
        datasets(storage).rollback(parseVolname(volume), ZfsNames.snapshot(snapshot));
    }

    @Override
    public void deleteSnapshot(Storage storage, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
        datasets(storage).deleteSnapshot(parseVolname(volume), ZfsNames.snapshot(snapshot));
    }

    @Override
    public Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        Map<String, SnapshotInfo> infos = new TreeMap<>();
        for (Snapshot snapshot :
                datasets(storage).snapshots(parseVolname(volume).name())) {
            infos.put(snapshot.name(), new SnapshotInfo(snapshot.id(), snapshot.created(), null, Map.of()));
        }
        return infos;
    }

    @Override
    public void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        parseVolname(volume);
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED,
                "rename_snapshot is not supported for storage '" + storage.id() + "' of type '" + type() + "'");
    }

    @Override
    public SnapshotMethod snapshotMethod(Storage storage, VolumeName volume) {
        parseVolname(volume);
        return SnapshotMethod.STORAGE;
    }

    @Override
    public boolean hasFeature(
            Storage storage,
            Feature feature,
            VolumeName volume,
            @Nullable SnapshotName snapshot,
            boolean isRunning,
            @Nullable Set<Format> targetFormats) {
        boolean isBase = parseVolname(volume).isBase();
        boolean isCurrent = snapshot == null && !isBase;
        return switch (feature) {
            case SNAPSHOT -> snapshot != null || isCurrent;
            case CLONE -> snapshot == null && isBase;
            case TEMPLATE, RENAME -> isCurrent;
            case COPY, SPARSEINIT, REPLICATE -> snapshot == null;
        };
    }

    // ---- transfers

    /** A snapshot is sent by ZFS, and the content of a volume as it is now as that of any device. */
    @Override
    public List<String> exportFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return transfer.snapshot() == null ? super.exportFormats(storage, volume, transfer) : List.of(Streams.FORMAT);
    }

    @Override
    public List<String> importFormats(Storage storage, VolumeName volume, Transfer transfer) {
        List<String> formats = new ArrayList<>(List.of(Streams.FORMAT));
        if (!parseVolname(volume).isBase()) {
            formats.addAll(super.importFormats(storage, volume, transfer));
        }
        return formats;
    }

    @Override
    public void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        SnapshotName snapshot = transfer.snapshot();
        if (snapshot == null || !format.equals(Streams.FORMAT)) {
            super.exportVolume(storage, volume, format, transfer, stream);
            return;
        }
        SnapshotName base = transfer.base();
        new Streams(datasets(storage))
                .send(
                        parseVolname(volume),
                        ZfsNames.snapshot(snapshot),
                        base == null ? null : ZfsNames.snapshot(base),
                        transfer.withSnapshots(),
                        stream);
    }

    /**
     * A dataset is called otherwise until it is complete, so that nobody takes it for a volume; its number is taken meanwhile for
     * all who look for a free name.
     */
    @Override
    public VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        refuseOther(importFormats(storage, volume, transfer), volume, format, "import");
        ParsedVolume.GuestImage image = parseVolname(volume);
        Datasets datasets = datasets(storage);
        SnapshotName base = transfer.base();
        boolean isOfZfs = format.equals(Streams.FORMAT);
        if (isOfZfs && base != null) {
            new Streams(datasets).update(image, ZfsNames.snapshot(base), stream);
            return new VolumeId(storage.id(), volume);
        }
        if (!allowRename) {
            datasets.refuseTaken(image.name());
        }
        String staged = Datasets.stagingName(image.name());
        if (isOfZfs) {
            new Streams(datasets).receive(staged, image.format(), stream);
        } else {
            new Streams(datasets).receiveBytes(staged, stream);
        }
        String name = locked(storage, () -> datasets.unstage(staged, image, allowRename));
        return new VolumeId(storage.id(), new VolumeName(name));
    }
}
