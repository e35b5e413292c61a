package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The storage type {@code storpool}: volumes and snapshots of a StorPool cluster, named and tagged as StorPool's own plugin
 * does it, so that both can use one cluster. Devices are made by StorPool's client on the node, which this type asks over
 * the cluster's HTTP API.
 */
public final class StorpoolPlugin extends DeclaredDevicePlugin {
    /** How old the settings may be; {@code storpool_confget} is a program. */
    private static final Duration SETTINGS_AGE = Duration.ofSeconds(10);

    private static final FormatNames NAMES = new FormatNames(
            Map.of(Format.Image.RAW, "raw"),
            name -> name.endsWith(".raw") ? Optional.of(Format.Image.RAW) : Optional.empty(),
            (name, format, extension) -> name.endsWith("." + extension) ? name : name + "." + extension,
            false);

    private final StorpoolHost host;
    private final ApiClient client;
    private final PveCluster pve;

    private record Known(Settings settings, long nanos) {}

    private @Nullable Known known;

    public StorpoolPlugin() {
        this(StorpoolHost.USUAL);
    }

    /** On a node that keeps its things elsewhere. */
    public StorpoolPlugin(StorpoolHost host) {
        super(Configuration.DECLARATION, NAMES);
        this.host = host;
        this.client = new ApiClient(host.limits());
        this.pve = new PveCluster(host.etc());
    }

    private synchronized Settings settings() {
        long now = System.nanoTime();
        Known last = known;
        if (last == null || now - last.nanos() > SETTINGS_AGE.toNanos()) {
            last = new Known(Settings.read(host.confget()), now);
            known = last;
        }
        return last.settings();
    }

    private ClusterApi api() {
        return new ClusterApi(client, settings());
    }

    private Use use(Storage storage) {
        return new Use(storage, api(), pve.name(host.node()));
    }

    private Attachment attachment(Storage storage) {
        return new Attachment(use(storage), host, pve);
    }

    private Allocation allocation(Storage storage) {
        return new Allocation(use(storage));
    }

    private Snapshots snapshots(Storage storage) {
        return new Snapshots(use(storage));
    }

    // ---- the type

    @Override
    public Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
        Map<String, Object> checked = super.checkConfig(storage, properties, isNew);
        Configuration.check(storage, checked, isNew);
        return checked;
    }

    // ---- names

    @Override
    public ParsedVolume parseVolname(VolumeName volume) {
        StorpoolName name = StorpoolName.parse(volume);
        return name instanceof StorpoolName.Iso
                ? new ParsedVolume.Content(ContentType.ISO, volume.value(), null, Format.Image.RAW)
                : new ParsedVolume.GuestImage(
                        volume.value(),
                        name.owner(),
                        null,
                        name instanceof StorpoolName.TemplateDisk,
                        Format.Image.RAW);
    }

    @Override
    public List<NamePattern> namePatterns() {
        return StorpoolName.Grammar.ALL;
    }

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix) {
        return allocation(storage).nextName(owner) + (addSuffix ? ".raw" : "");
    }

    // ---- the storage

    @Override
    public boolean checkConnection(Storage storage) {
        api().services();
        return true;
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        Room.requireTemplate(api(), storage);
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return Room.status(api(), storage, cache);
    }

    // ---- listings

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        return Listing.images(use(storage), filter, cache);
    }

    @Override
    public List<ListedVolume> listVolumes(Storage storage, @Nullable Vmid owner, Set<ContentType> content) {
        List<ListedVolume> volumes = new ArrayList<>(super.listVolumes(storage, owner, content));
        if (content.contains(ContentType.ISO) && owner == null) {
            volumes.addAll(Listing.isos(use(storage)));
        }
        return volumes;
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        ByteSize size = ByteSize.ofBytes(use(storage).present(volume).object().size());
        return new SizeInfo(size, Format.Image.RAW, size, null, null);
    }

    // ---- devices

    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        StorpoolName name = StorpoolName.parse(volume);
        GlobalId id = name.global();
        if (id == null || snapshot != null) {
            id = attachment(storage).device(volume, snapshot);
        }
        ContentType type = name instanceof StorpoolName.Iso ? ContentType.ISO : ContentType.IMAGES;
        return new VolumePath(host.devices().resolve(id.value()).toString(), name.owner(), type);
    }

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        StorpoolName.parse(volume);
        attachment(storage).attach(volume, snapshot);
    }

    @Override
    public void deactivateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {
        StorpoolName name = StorpoolName.parse(volume);
        GlobalId id = name.global();
        if (id != null && snapshot == null && !Attachment.isThere(host.devices(), id)) {
            return;
        }
        attachment(storage).detach(volume, snapshot);
    }

    // ---- volumes

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        Allocation.Wanted wanted = Allocation.Wanted.of(owner, format, name, size);
        return allocation(storage).allocate(wanted, settings().staysAttached());
    }

    /** An imported volume gets a name of its own. If the wanted name is taken, that may be refused. */
    @Override
    public VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        StorpoolName name = StorpoolName.parse(volume);
        if (!allowRename && use(storage).find(name).isPresent()) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS, "volume " + Quoted.of(volume.value()) + " already exists");
        }
        return super.importVolume(storage, volume, format, transfer, allowRename, stream);
    }

    @Override
    protected Optional<Cleanup> remove(Storage storage, VolumeName volume) {
        allocation(storage).remove(StorpoolName.parse(volume));
        return Optional.empty();
    }

    @Override
    public VolumeName createBase(Storage storage, VolumeName volume) {
        StorpoolName.parse(volume);
        return allocation(storage).createBase(volume);
    }

    @Override
    public VolumeName cloneImage(Storage storage, VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        StorpoolName.parse(volume);
        return allocation(storage).copy(volume, owner, snapshot);
    }

    @Override
    public VolumeId renameVolume(Storage storage, VolumeName volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        StorpoolName.parse(volume);
        return new VolumeId(storage.id(), allocation(storage).rename(volume, owner, name));
    }

    @Override
    public void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        StorpoolName.parse(volume);
        allocation(storage).resize(volume, size, snapshot);
    }

    // ---- snapshots

    @Override
    public void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        StorpoolName.parse(volume);
        Snapshots.refuseUnfit(snapshot);
        snapshots(storage).take(volume, snapshot);
    }

    @Override
    public void rollback(Storage storage, VolumeName volume, SnapshotName snapshot) {
        snapshots(storage).rollback(volume, snapshot);
    }

    @Override
    public void deleteSnapshot(Storage storage, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
        snapshots(storage).delete(volume, snapshot);
    }

    @Override
    public Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        return snapshots(storage).infos(volume);
    }

    @Override
    public void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        StorpoolName.parse(volume);
        Snapshots.refuseUnfit(to);
        snapshots(storage).rename(volume, from, to);
    }

    @Override
    public boolean snapshotNeedsFreeze() {
        return true;
    }

    @Override
    public SnapshotMethod snapshotMethod(Storage storage, VolumeName volume) {
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
        boolean isBase = StorpoolName.parse(volume) instanceof StorpoolName.TemplateDisk;
        boolean isCurrent = snapshot == null && !isBase;
        return switch (feature) {
            case CLONE, COPY, SPARSEINIT -> true;
            case SNAPSHOT -> snapshot != null || !isBase;
            case RENAME, TEMPLATE -> isCurrent;
            case REPLICATE -> false;
        };
    }
}
