package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.image.Qcow2Header;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.FormatNames;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The storage type {@code lvm}: thick volumes of a volume group, named and tagged as PVE's plugin does it, so that both can use
 * one group. With {@code snapshot-as-volume-chain} they may be qcow2 images, whose snapshots are volumes of their own.
 */
public final class LvmPlugin extends VolumeGroupPlugin {
    private static final Logger LOG = LoggerFactory.getLogger(LvmPlugin.class);

    public LvmPlugin() {
        this(LvmHost.usual());
    }

    /** On a node that keeps its things elsewhere. */
    public LvmPlugin(LvmHost host) {
        super(host, Configuration.THICK, FormatNames.LVM);
    }

    ThickVolumes volumes(Storage storage) {
        return new ThickVolumes(this, storage);
    }

    private ChainSnapshots snapshotsOf(Storage storage, VolumeName volume) {
        return new ChainSnapshots(this, storage, volume);
    }

    // ---- the type

    @Override
    public String hostClass() {
        return "PVE::Storage::LVMPlugin";
    }

    @Override
    public Formats formats(Storage storage) {
        return Configuration.hasChains(storage)
                ? new Formats(Format.Image.QCOW2, Set.of(Format.Image.QCOW2, Format.Image.RAW))
                : new Formats(Format.Image.RAW, Set.of(Format.Image.RAW));
    }

    /** Without the option nothing would tell the snapshots apart any more. */
    @Override
    public HookResult onUpdate(Storage storage, ConfigChange change) {
        boolean isOff = change.deleted().contains(Configuration.CHAINS)
                || (change.set().get(Configuration.CHAINS) instanceof String text
                        && (text.isEmpty() || text.equals("0")));
        if (isOff
                && Configuration.hasChains(storage)
                && listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                        .anyMatch(image -> image.format() == Format.Image.QCOW2)) {
            throw StorageException.refused(
                    StorageError.BAD_CONFIG,
                    storage.id() + " - cannot disable '" + Configuration.CHAINS + "' while a qcow2 image exists");
        }
        return super.onUpdate(storage, change);
    }

    // ---- names

    @Override
    public ParsedVolume parseVolname(VolumeName volume) {
        return LvmNames.THICK.parse(volume);
    }

    @Override
    public List<NamePattern> namePatterns() {
        return LvmNames.THICK.patterns();
    }

    @Override
    String logical(VolumeName volume, @Nullable SnapshotName snapshot) {
        Format format = image(volume).format();
        if (snapshot != null && format != Format.Image.QCOW2) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "volume '" + volume + "': snapshot is working with qcow2 format only");
        }
        return snapshot == null || Chain.isCurrent(snapshot) ? volume.value() : Chain.name(volume, snapshot);
    }

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix) {
        boolean isQcow2 = format == Format.Image.QCOW2;
        return freeName(storage, all(storage), owner, isQcow2 ? Format.Image.QCOW2 : Format.Image.RAW, isQcow2);
    }

    // ---- the storage

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        String name = Configuration.group(storage);
        return lvm().groups(cache).stream()
                .filter(group -> group.name().equals(name))
                .findFirst()
                .<StorageStatus>map(group -> new StorageStatus.Active(
                        ByteSize.ofBytes(group.size()),
                        ByteSize.ofBytes(group.free()),
                        ByteSize.ofBytes(group.size() - group.free())))
                .orElseGet(StorageStatus.Inactive::new);
    }

    @Override
    public void deactivateStorage(Storage storage, OperationCache cache) {
        String group = Configuration.group(storage);
        lvm().change("can't deactivate VG '" + group + "'", "vgchange", List.of("-aln", group));
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        String group = Configuration.group(storage);
        List<VolumeInfo> images = new ArrayList<>();
        for (LogicalVolume volume : lvm().volumes(cache)) {
            if (volume.group().equals(group)
                    && volume.isThick()
                    && (volume.isTagged() || !Configuration.isTaggedOnly(storage))) {
                LvmNames.THICK.find(volume.name()).ifPresent(image -> {
                    VolumeId volid = new VolumeId(storage.id(), new VolumeName(volume.name()));
                    if (filter.accepts(volid, Optional.ofNullable(image.owner()))) {
                        images.add(listed(storage, volid, image, volume));
                    }
                });
            }
        }
        return images;
    }

    private VolumeInfo listed(Storage storage, VolumeId volid, ParsedVolume.GuestImage image, LogicalVolume volume) {
        ByteSize size = ByteSize.ofBytes(volume.size());
        Map<String, Object> other = Map.of();
        if (image.format() == Format.Image.QCOW2) {
            other = Map.of("approximate-size", Long.toString(volume.size()));
            size = null;
            if (volume.isActive()) {
                try {
                    size = ByteSize.ofBytes(
                            Chain.header(this, storage, volume.name()).virtualSize());
                    other = Map.of();
                } catch (StorageException e) {
                    LOG.warn("event=size-unknown volume={} reason=\"{}\"", volid, e.getMessage());
                }
            }
        }
        return new VolumeInfo(volid, image.format(), size, image.owner(), null, null, volume.created(), other);
    }

    /**
     * The size is in the volume's header, so one that is not active is activated for as long as it takes to read it. Others who
     * ask wait meanwhile: they would find it active, and it would be gone under them.
     */
    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        Format format = image(volume).format();
        LogicalVolume found = present(storage, volume.value());
        if (format != Format.Image.QCOW2) {
            return new SizeInfo(ByteSize.ofBytes(found.size()), format, ByteSize.ofBytes(0), null, null);
        }
        Qcow2Header header = isActive(storage, volume.value())
                ? Chain.header(this, storage, volume.value())
                : locked(
                        storage,
                        () -> volumes(storage)
                                .whileActive(
                                        volume, volume.value(), () -> Chain.header(this, storage, volume.value())));
        return new SizeInfo(
                ByteSize.ofBytes(header.virtualSize()), format, ByteSize.ofBytes(0), header.backingFile(), null);
    }

    // ---- devices

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        volumes(storage).activate(volume, logical(volume, snapshot));
    }

    @Override
    public void deactivateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {
        volumes(storage).deactivate(volume, logical(volume, snapshot));
    }

    // ---- volumes

    @Override
    public Optional<Examinable> examinable() {
        return Optional.of(
                new ExaminableGroup((storage, interruptions) -> new ChainExamination(this, storage, interruptions)));
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        if (!isValidFormat(format)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "unsupported format " + Quoted.of(format.word()));
        }
        if (format == Format.Image.QCOW2 && !Configuration.hasChains(storage)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    Configuration.CHAINS + " option need to be enabled to use qcow2 format in storage '" + storage.id()
                            + "'");
        }
        VolumeName volume = newName(storage, all(storage), owner, format, name);
        VolumeGroup group = group(storage);
        if (group.free() < group.rounded(size.bytes())) {
            throw StorageException.refused(
                    StorageError.NO_SPACE,
                    "not enough free space in volume group '" + group.name() + "' (" + group.free() + " < "
                            + size.bytes() + " bytes)");
        }
        if (format == Format.Image.QCOW2) {
            volumes(storage).makeQcow2(owner, volume, size);
        } else {
            volumes(storage).makeRaw(owner, volume, size);
        }
        return volume;
    }

    @Override
    protected Optional<Cleanup> remove(Storage storage, VolumeName volume) {
        String name = volume.value();
        if (find(storage, name).isEmpty()) {
            return Optional.empty();
        }
        List<String> names = new ArrayList<>(List.of(name));
        if (image(volume).format() == Format.Image.QCOW2 && Configuration.hasChains(storage)) {
            volumes(storage).activate(volume, name);
            try {
                Chain.read(this, storage, volume).links().stream()
                        .skip(1)
                        .map(Chain.Link::name)
                        .forEach(names::add);
            } catch (StorageException e) {
                // A damaged image must be removable; its snapshots are then not known.
                LOG.warn("event=snapshots-unknown volume={}:{} reason=\"{}\"", storage.id(), volume, e.getMessage());
            }
        }
        List<String> left = erased(storage, names, false);
        return left.isEmpty() ? Optional.empty() : Optional.of(() -> wipe(storage, left));
    }

    /**
     * Takes volumes out of the storage, whose lock is held: removes them, or gives them the names of volumes that are still
     * to be overwritten. If one is open all stay: LVM renames it all the same, and it would be overwritten under who uses it.
     *
     * @param isOut whether they already have such names, and no device
     * @return those to overwrite when the storage is not locked any more
     */
    List<String> erased(Storage storage, List<String> names, boolean isOut) {
        if (!isOut && (names.size() > 1 || Configuration.wipes(storage))) {
            names.forEach(name -> close(storage, name));
        }
        if (Configuration.wipes(storage)) {
            if (!isOut) {
                names.forEach(new Wiping(this, storage)::begin);
            }
            return names;
        }
        names.forEach(name -> erase(storage, isOut ? Wiping.WAITING + name : name));
        return List.of();
    }

    private void wipe(Storage storage, List<String> names) {
        StorageException failure = null;
        for (String name : names) {
            try {
                new Wiping(this, storage).finish(name);
            } catch (StorageException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public VolumeName createBase(Storage storage, VolumeName volume) {
        image(volume);
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED, "can't create base images in lvm storage '" + storage.id() + "'");
    }

    @Override
    public VolumeName cloneImage(Storage storage, VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        image(volume);
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED, "can't clone images in lvm storage '" + storage.id() + "'");
    }

    @Override
    void refuseUnrenamable(Storage storage, VolumeName volume) {
        if (image(volume).format() != Format.Image.QCOW2) {
            return;
        }
        volumes(storage).activate(volume, volume.value());
        if (Configuration.hasChains(storage)
                && Chain.read(this, storage, volume).hasSnapshots()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "can't rename volume '" + storage.id() + ":" + volume + "' - external snapshot exists");
        }
    }

    @Override
    public void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        volumes(storage).grow(volume, logical(volume, snapshot), size, isRunning);
    }

    // ---- snapshots

    private void requireQcow2(VolumeName volume, String doing) {
        Format format = image(volume).format();
        if (format != Format.Image.QCOW2) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "can't " + doing + " '" + format.word() + "' volume " + Quoted.of(volume.value()));
        }
    }

    @Override
    public void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        requireQcow2(volume, "snapshot");
        locked(storage, () -> snapshotsOf(storage, volume).take(snapshot));
    }

    @Override
    public Rollback rollbackIsPossible(Storage storage, VolumeName volume, SnapshotName snapshot) {
        requireQcow2(volume, "rollback snapshot for");
        return snapshotsOf(storage, volume).rollbackIsPossible(snapshot);
    }

    @Override
    public void rollback(Storage storage, VolumeName volume, SnapshotName snapshot) {
        requireQcow2(volume, "rollback snapshot for");
        wipe(storage, locked(storage, () -> snapshotsOf(storage, volume).rollback(snapshot)));
    }

    @Override
    public void deleteSnapshot(Storage storage, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
        requireQcow2(volume, "delete snapshot for");
        ChainSnapshots snapshots = snapshotsOf(storage, volume);
        if (isRunning) {
            wipeMeanwhile(storage, snapshots.drop(snapshot));
        } else {
            wipe(storage, snapshots.delete(snapshot));
        }
    }

    /** Until this call ends, a volume that QEMU has left for its snapshot has not got its name back, and no guest can start. */
    private void wipeMeanwhile(Storage storage, List<String> names) {
        if (!names.isEmpty()) {
            Thread.ofPlatform().name("overwrite " + storage.id()).start(() -> {
                try {
                    wipe(storage, names);
                } catch (StorageException e) {
                    LOG.error(
                            "event=not-overwritten storage={} reason={}",
                            storage.id(),
                            Quoted.inWords(String.valueOf(e.getMessage())));
                }
            });
        }
    }

    @Override
    public Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        Format format = image(volume).format();
        if (!Configuration.hasChains(storage) || format != Format.Image.QCOW2) {
            return Map.of();
        }
        if (!isActive(storage, volume.value())) {
            volumes(storage).activate(volume, volume.value());
        }
        return Chain.read(this, storage, volume).infos();
    }

    @Override
    public void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        requireQcow2(volume, "rename snapshot of");
        String target = logical(volume, to);
        List<LogicalVolume> all = all(storage);
        present(storage, all, logical(volume, from));
        refuseTaken(storage, all, target);
        rename(storage, logical(volume, from), target);
    }

    @Override
    public SnapshotMethod snapshotMethod(Storage storage, VolumeName volume) {
        return image(volume).format() == Format.Image.QCOW2 ? SnapshotMethod.MIXED : SnapshotMethod.STORAGE;
    }

    @Override
    public boolean hasFeature(
            Storage storage,
            Feature feature,
            VolumeName volume,
            @Nullable SnapshotName snapshot,
            boolean isRunning,
            @Nullable Set<Format> targetFormats) {
        boolean isQcow2 = image(volume).format() == Format.Image.QCOW2;
        return switch (feature) {
            case COPY -> snapshot == null || isQcow2;
            case RENAME -> snapshot == null;
            case SNAPSHOT -> isQcow2;
            case CLONE, TEMPLATE, SPARSEINIT, REPLICATE -> false;
        };
    }
}
