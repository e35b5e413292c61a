package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.StreamSource;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.FormatNames;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The storage type {@code lvmthin}: volumes of a thin pool, named as PVE's plugin does it, so that both can use one pool. A
 * snapshot of a volume is another volume of the pool, {@code snap_VOLUME_SNAPSHOT}; the base of a clone is not recorded.
 */
public final class LvmThinPlugin extends VolumeGroupPlugin {
    private final FullPools full = new FullPools();

    public LvmThinPlugin() {
        this(LvmHost.usual());
    }

    /** On a node that keeps its things elsewhere. */
    public LvmThinPlugin(LvmHost host) {
        super(host, Configuration.THIN, FormatNames.LVM_THIN);
    }

    private ThinVolumes volumes(Storage storage) {
        return new ThinVolumes(this, storage);
    }

    // ---- the type

    @Override
    public String hostClass() {
        return "PVE::Storage::LvmThinPlugin";
    }

    // ---- names

    @Override
    public ParsedVolume parseVolname(VolumeName volume) {
        return LvmNames.THIN.parse(volume);
    }

    @Override
    public List<NamePattern> namePatterns() {
        return LvmNames.THIN.patterns();
    }

    @Override
    String logical(VolumeName volume, @Nullable SnapshotName snapshot) {
        image(volume);
        return snapshot == null ? volume.value() : ThinVolumes.name(volume, snapshot);
    }

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix) {
        return freeName(storage, all(storage), owner, Format.Image.RAW, false);
    }

    // ---- the storage

    static Optional<LogicalVolume> pool(Storage storage, List<LogicalVolume> volumes) {
        String group = Configuration.group(storage);
        String pool = Configuration.pool(storage);
        return volumes.stream()
                .filter(volume -> volume.isThinPool()
                        && volume.group().equals(group)
                        && volume.name().equals(pool))
                .findFirst();
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        Optional<LogicalVolume> pool = pool(storage, lvm().volumes(cache));
        if (pool.isEmpty()) {
            return new StorageStatus.Inactive();
        }
        LogicalVolume found = pool.get();
        full.watch(storage, found);
        ByteSize total = ByteSize.ofBytes(found.size());
        ByteSize used = ByteSize.ofBytes(found.usedBytes());
        ByteSize available = ByteSize.ofBytes(found.size() - found.usedBytes());
        return found.isActive()
                ? new StorageStatus.Active(total, available, used)
                : new StorageStatus.Inactive(total, available, used);
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        super.activateStorage(storage, cache);
        LogicalVolume pool = pool(storage, lvm().volumes(cache))
                .or(() -> pool(storage, lvm().volumes()))
                .orElseThrow(() -> StorageException.refused(
                        StorageError.STORAGE_UNAVAILABLE,
                        "no such thin pool '" + inGroup(storage, Configuration.pool(storage)) + "' for storage '"
                                + storage.id() + "'"));
        if (!pool.isActive()) {
            volumes(storage).activateAnyway(pool.name());
        }
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        String group = Configuration.group(storage);
        String pool = Configuration.pool(storage);
        List<VolumeInfo> images = new ArrayList<>();
        for (LogicalVolume volume : lvm().volumes(cache)) {
            if (volume.isThin() && volume.group().equals(group) && volume.pool().equals(pool)) {
                LvmNames.THIN.find(volume.name()).ifPresent(image -> {
                    VolumeId volid = new VolumeId(storage.id(), new VolumeName(volume.name()));
                    if (filter.accepts(volid, Optional.ofNullable(image.owner()))) {
                        images.add(new VolumeInfo(
                                volid,
                                Format.Image.RAW,
                                ByteSize.ofBytes(volume.size()),
                                image.owner(),
                                null,
                                null,
                                volume.created(),
                                Map.of()));
                    }
                });
            }
        }
        return images;
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        image(volume);
        ByteSize size = ByteSize.ofBytes(present(storage, volume.value()).size());
        return new SizeInfo(size, Format.Image.RAW, ByteSize.ofBytes(0), null, null);
    }

    // ---- devices

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        volumes(storage).activate(logical(volume, snapshot));
    }

    /** What guests write to stays active, as PVE leaves it. */
    @Override
    public void deactivateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {
        String logical = logical(volume, snapshot);
        if ((snapshot != null || image(volume).isBase()) && isActive(storage, logical)) {
            volumes(storage).deactivate(logical);
        }
    }

    // ---- volumes

    @Override
    public Optional<Examinable> examinable() {
        return Optional.of(
                new ExaminableGroup((storage, interruptions) -> new ThinExamination(this, storage, interruptions)));
    }

    /** Makes sure that nobody writes to a base image. */
    void protect(Storage storage, String name) {
        volumes(storage).protect(name);
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        if (format != Format.Image.RAW) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "unsupported format " + Quoted.of(format.word()));
        }
        if (name != null && !name.startsWith("vm-" + owner + "-")) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME, "illegal name " + Quoted.of(name) + " - should be 'vm-" + owner + "-*'");
        }
        VolumeName volume = newName(storage, all(storage), owner, format, name);
        volumes(storage).make(volume, size);
        return volume;
    }

    @Override
    protected boolean readsZeroAtFirst() {
        return true;
    }

    @Override
    protected Optional<Cleanup> remove(Storage storage, VolumeName volume) {
        List<LogicalVolume> all = all(storage);
        List<String> names = new ArrayList<>(ThinVolumes.snapshots(all, volume).values());
        named(all, volume.value()).map(LogicalVolume::name).ifPresent(names::add);
        // One that is open cannot be removed, and its snapshots would be gone when that is found out.
        all.stream()
                .filter(each -> each.isActive() && names.contains(each.name()))
                .forEach(each -> close(storage, each.name()));
        names.forEach(name -> erase(storage, name));
        return Optional.empty();
    }

    @Override
    public VolumeName createBase(Storage storage, VolumeName volume) {
        if (image(volume).isBase()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "create_base not possible with base image '" + storage.id() + ":" + volume + "'");
        }
        return volumes(storage).createBase(volume);
    }

    @Override
    public VolumeName cloneImage(Storage storage, VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        if (snapshot == null && !image(volume).isBase()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "clone_image only works on base images, and '" + storage.id() + ":" + volume + "' is none");
        }
        List<LogicalVolume> all = all(storage);
        String source = logical(volume, snapshot);
        present(storage, all, source);
        VolumeName clone = newName(storage, all, owner, Format.Image.RAW, null);
        volumes(storage).copy(source, clone);
        return clone;
    }

    @Override
    void refuseUnrenamable(Storage storage, VolumeName volume) {
        List<LogicalVolume> all = all(storage);
        if (!ThinVolumes.snapshots(all, volume).isEmpty()) {
            throw StorageException.refused(
                    StorageError.IN_USE,
                    "can't rename volume '" + storage.id() + ":" + volume
                            + "': it has snapshots, which are called by its" + " name");
        }
    }

    @Override
    public void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        image(volume);
        if (snapshot != null) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "resizing a snapshot is not supported for storage '" + storage.id() + "' of type '" + type() + "'");
        }
        locked(storage, () -> extend(storage, volume.value(), size.bytes(), true));
    }

    // ---- transfers

    /** What was never written is not read. */
    @Override
    protected StreamSource source(Storage storage, VolumeName volume, Path device, ByteSize size) {
        return new ThinMap(lvm().host(), Configuration.group(storage), Configuration.pool(storage))
                .extents(device, volume.value(), size.bytes())
                .<StreamSource>map(extents -> new StreamSource.Allocated(device, size, extents))
                .orElseGet(() -> super.source(storage, volume, device, size));
    }

    /** A device of a pool that is full says that it has failed, like one that is broken. */
    @Override
    protected StorageException unfilled(Storage storage, StorageException failure) {
        return failure.error() == StorageError.STORAGE_UNAVAILABLE
                ? volumes(storage).fullness(failure)
                : failure;
    }

    /** A base image that arrives is an ordinary image until it is complete. */
    @Override
    public VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        if (!image(volume).isBase()) {
            return super.importVolume(storage, volume, format, transfer, allowRename, stream);
        }
        VolumeName unfinished = new VolumeName(volume.value().replaceFirst("^base", "vm"));
        if (find(storage, volume.value()).isPresent()) {
            if (!allowRename) {
                throw StorageException.refused(
                        StorageError.ALREADY_EXISTS,
                        "volume '" + inGroup(storage, volume.value()) + "' already exists in storage '" + storage.id()
                                + "'");
            }
            unfinished = new VolumeName(findFreeDiskname(storage, owner(volume), Format.Image.RAW, false));
        }
        VolumeId arrived = super.importVolume(storage, unfinished, format, transfer, allowRename, stream);
        return new VolumeId(storage.id(), locked(storage, () -> createBase(storage, arrived.volume())));
    }

    // ---- snapshots

    @Override
    public void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        image(volume);
        volumes(storage).snapshot(volume, snapshot);
    }

    @Override
    public void rollback(Storage storage, VolumeName volume, SnapshotName snapshot) {
        image(volume);
        locked(storage, () -> volumes(storage).rollback(volume, snapshot));
    }

    @Override
    public void deleteSnapshot(Storage storage, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
        String name = logical(volume, snapshot);
        present(storage, name);
        erase(storage, name);
    }

    @Override
    public Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        image(volume);
        List<LogicalVolume> all = all(storage);
        Map<String, SnapshotInfo> infos = new TreeMap<>();
        ThinVolumes.snapshots(all, volume)
                .forEach((name, logical) -> all.stream()
                        .filter(each -> each.name().equals(logical))
                        .forEach(each -> infos.put(
                                name,
                                new SnapshotInfo(logical, each.created(), ByteSize.ofBytes(each.size()), Map.of()))));
        return infos;
    }

    @Override
    public void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        image(volume);
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED,
                "rename_snapshot is not supported for storage '" + storage.id() + "' of type '" + type() + "'");
    }

    @Override
    public boolean hasFeature(
            Storage storage,
            Feature feature,
            VolumeName volume,
            @Nullable SnapshotName snapshot,
            boolean isRunning,
            @Nullable Set<Format> targetFormats) {
        boolean isBase = image(volume).isBase();
        boolean isCurrent = snapshot == null && !isBase;
        return switch (feature) {
            case SNAPSHOT, TEMPLATE, RENAME -> isCurrent;
            case CLONE -> !isCurrent;
            case COPY -> true;
            case SPARSEINIT -> snapshot == null;
            case REPLICATE -> false;
        };
    }
}
