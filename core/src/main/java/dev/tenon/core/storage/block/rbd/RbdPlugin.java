package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ConfigChange;
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
import dev.tenon.core.storage.common.SecretFile;
import dev.tenon.core.storage.common.SnapshotNames;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The storage type {@code rbd}: images in a pool of a Ceph cluster, named and protected as PVE's plugin does it, so that both
 * can use one pool. A base image has a protected snapshot {@code __base__}, of which its linked clones are made. The file is long
 * because it has a method for each that plugins have, and each hands on to the class that does it.
 */
public final class RbdPlugin extends DeclaredDevicePlugin {
    private static final Logger LOG = LoggerFactory.getLogger(RbdPlugin.class);
    private static final String USUAL_PORT = "3300";

    private final RbdHost host;

    public RbdPlugin() {
        this(RbdHost.usual());
    }

    /** On a node that keeps its things elsewhere. */
    public RbdPlugin(RbdHost host) {
        super(Configuration.TYPE, FormatNames.RBD);
        this.host = host;
    }

    private Rbd rbd(Storage storage) {
        return new Rbd(host, storage);
    }

    private Images images(Storage storage) {
        return new Images(rbd(storage), storage);
    }

    private KernelDevice device(Storage storage) {
        return new KernelDevice(host, storage, rbd(storage));
    }

    // ---- the type

    @Override
    public String hostClass() {
        return "PVE::Storage::RBDPlugin";
    }

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
        Map<String, Object> checked = super.checkConfig(storage, properties, isNew);
        Configuration.check(storage, checked);
        return checked;
    }

    @Override
    public HookResult onAdd(Storage storage, Secrets secrets) {
        KernelDevice.forget(storage);
        SecretFile keyring = new SecretFile(Connection.keyringOf(host, storage));
        Optional<String> given = secrets.changes().getOrDefault(Configuration.KEYRING, Optional.empty());
        if (given.isPresent()) {
            keep(storage, keyring, given.get());
        } else if (keyring.exists()) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "ceph authx keyring file for storage '" + storage.id() + "' already exists: '" + keyring.path()
                            + "'");
        } else {
            SecretFile ofAdmin = new SecretFile(host.etc().resolve("priv/ceph.client.admin.keyring"));
            if (ofAdmin.exists()) {
                keep(storage, keyring, Connection.read(ofAdmin.path()));
            } else {
                LOG.warn("storage {}: no keyring is known, so it is used without authentication", storage.id());
            }
        }
        if (Configuration.monitors(storage).isPresent()) {
            Connection.makeConfiguration(host, storage);
        }
        return super.onAdd(storage, secrets);
    }

    @Override
    public HookResult onUpdate(Storage storage, ConfigChange change) {
        Optional<String> given = change.secrets().changes().get(Configuration.KEYRING);
        if (given != null) {
            SecretFile keyring = new SecretFile(Connection.keyringOf(host, storage));
            given.ifPresentOrElse(text -> keep(storage, keyring, text), keyring::remove);
        }
        return super.onUpdate(storage, change);
    }

    private static void keep(Storage storage, SecretFile keyring, String text) {
        if (!Connection.isKeyring(text)) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "storage '" + storage.id()
                            + "': the keyring is none of Ceph: a line with a user in brackets, then 'key = ' and the key");
        }
        keyring.write(text.strip() + "\n", "r--------");
    }

    @Override
    public void onDelete(Storage storage) {
        KernelDevice.forget(storage);
        Connection.removeFiles(host, storage);
    }

    // ---- names

    @Override
    public ParsedVolume.GuestImage parseVolname(VolumeName volume) {
        return RbdNames.parse(volume);
    }

    @Override
    public List<NamePattern> namePatterns() {
        return RbdNames.patterns();
    }

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix) {
        return images(storage).freeName(owner);
    }

    // ---- where volumes are

    private static String withSnapshot(String image, @Nullable SnapshotName snapshot) {
        return snapshot == null ? image : image + "@" + snapshot;
    }

    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        ParsedVolume.GuestImage parsed = parseVolname(volume);
        String image = withSnapshot(parsed.name(), snapshot);
        String path = Configuration.isMapped(storage)
                ? device(storage).path(image).toString()
                : "rbd:" + Configuration.place(storage, image)
                        + Connection.of(host, storage).pathOptions(Authentication.of(host));
        return new VolumePath(path, ownerOf(parsed), ContentType.IMAGES);
    }

    /** It need not exist or be active: QEMU opens it later. */
    @Override
    public Map<String, Object> blockdevOptions(Storage storage, VolumeName volume, BlockdevQuery query) {
        String image = parseVolname(volume).name();
        SnapshotName snapshot = query.snapshot();
        if (Configuration.isMapped(storage)) {
            return Map.of(
                    "driver",
                    "host_device",
                    "filename",
                    device(storage).path(withSnapshot(image, snapshot)).toString());
        }
        Connection connection = Connection.of(host, storage);
        Map<String, Object> options = new LinkedHashMap<>();
        options.put("driver", "rbd");
        options.put("pool", Configuration.pool(storage));
        options.put("image", image);
        Configuration.namespace(storage).ifPresent(name -> options.put("namespace", name));
        if (snapshot != null) {
            options.put("snapshot", snapshot.value());
        }
        if (connection.configuration() != null) {
            options.put("conf", connection.configuration().toString());
        }
        if (!connection.monitors().isEmpty()) {
            options.put(
                    "server",
                    connection.monitors().stream().map(RbdPlugin::server).toList());
            options.put("auth-client-required", List.of(connection.authentication()));
        }
        if (connection.keyring() != null) {
            options.put("user", connection.user());
        }
        // A guest's firmware writes in many small pieces.
        if (query.hints().values().getOrDefault("efi-disk", 0L) != 0) {
            rbd(storage)
                    .change(
                            "rbd config image set " + image + " rbd_cache_policy writeback error",
                            "config",
                            "image",
                            "set",
                            image,
                            "rbd_cache_policy",
                            "writeback");
        }
        return options;
    }

    private static Map<String, Object> server(String monitor) {
        int end = monitor.lastIndexOf(':');
        boolean hasPort = end > monitor.lastIndexOf(']');
        String name = hasPort ? monitor.substring(0, end) : monitor;
        return Map.of(
                "host",
                name.startsWith("[") ? name.substring(1, name.length() - 1) : name,
                "port",
                hasPort ? monitor.substring(end + 1) : USUAL_PORT);
    }

    // ---- the storage

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return rbd(storage)
                .use(cache)
                .<StorageStatus>map(use -> new StorageStatus.Active(
                        ByteSize.ofBytes(use.used() + use.available()),
                        ByteSize.ofBytes(use.available()),
                        ByteSize.ofBytes(use.used())))
                .orElseGet(() -> {
                    LOG.warn("could not get usage stats for the pool of storage '{}'", storage.id());
                    return new StorageStatus.Inactive();
                });
    }

    /** There is nothing to prepare: it is only tried whether the pool can be reached. */
    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        rbd(storage).reach();
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        List<VolumeInfo> volumes = new ArrayList<>();
        for (Image image : rbd(storage).images(cache)) {
            RbdNames.find(image.name()).ifPresent(parsed -> {
                VolumeId volid = new VolumeId(storage.id(), RbdNames.volume(image));
                if (filter.accepts(volid, Optional.ofNullable(parsed.owner()))) {
                    volumes.add(new VolumeInfo(
                            volid,
                            Format.Image.RAW,
                            ByteSize.ofBytes(image.size()),
                            parsed.owner(),
                            null,
                            image.parent(),
                            null,
                            Map.of()));
                }
            });
        }
        return volumes;
    }

    /** Without the feature fast-diff the cluster has to look at all of an image, so what it uses may be not told in time. */
    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        String image = parseVolname(volume).name();
        Rbd rbd = rbd(storage);
        Answers.Info info = rbd.info(image);
        return new SizeInfo(
                ByteSize.ofBytes(info.size()),
                Format.Image.RAW,
                used(storage, rbd, image).map(ByteSize::ofBytes).orElse(null),
                info.parent(),
                null);
    }

    private static Optional<Long> used(Storage storage, Rbd rbd, String image) {
        try {
            return rbd.used(image);
        } catch (StorageException e) {
            if (e.error() == StorageError.CANCELLED) {
                throw e;
            }
            LOG.warn(
                    "event=use-unknown volume={}:{} reason={}",
                    storage.id(),
                    image,
                    Quoted.inWords(String.valueOf(e.getMessage())));
            return Optional.empty();
        }
    }

    @Override
    protected <T> T locked(Storage storage, Supplier<T> work) {
        return host.locks().storage(storage.id(), true).hold(null, work);
    }

    // ---- devices

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        if (Configuration.isMapped(storage)) {
            mapVolume(storage, volume, snapshot, hints);
        } else {
            images(storage).refuseMissing(parseVolname(volume).name(), snapshot == null ? null : snapshot.value());
        }
    }

    @Override
    public void deactivateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {
        unmapVolume(storage, volume, snapshot);
    }

    /** Containers and such need a device whatever guests use. */
    @Override
    public Optional<String> mapVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, Hints hints) {
        String image = parseVolname(volume).name();
        return Optional.of(
                device(storage).map(image, withSnapshot(image, snapshot), hints).toString());
    }

    @Override
    public void unmapVolume(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        device(storage).unmap(withSnapshot(parseVolname(volume).name(), snapshot));
    }

    private void unmapAfterRenaming(Storage storage, String image) {
        try {
            device(storage).unmap(image);
        } catch (StorageException e) {
            LOG.warn("event=device-left volume={}:{} reason=\"{}\"", storage.id(), image, e.getMessage());
        }
    }

    // ---- volumes

    @Override
    public Optional<Examinable> examinable() {
        return Optional.of(new ExaminablePool(this::images));
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
        Images images = images(storage);
        VolumeName volume =
                new VolumeName(name == null ? images.freeName(owner) : nameForFormat(name, Format.Image.RAW, false));
        parseVolname(volume);
        images.create(volume.value(), size);
        return volume;
    }

    @Override
    protected Optional<Cleanup> remove(Storage storage, VolumeName volume) {
        String image = parseVolname(volume).name();
        images(storage).remove(image, () -> device(storage).unmap(image));
        return Optional.empty();
    }

    @Override
    public VolumeName createBase(Storage storage, VolumeName volume) {
        ParsedVolume.GuestImage parsed = parseVolname(volume);
        if (parsed.isBase()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "create_base not possible with base image '" + storage.id() + ":" + volume + "'");
        }
        Images images = images(storage);
        String name = parsed.name().replaceFirst("^vm-", "base-");
        images.refuseOtherParent(volume, parsed);
        // It would be the state of the base image, and is of another time.
        images.refuseSnapshot(parsed.name(), RbdNames.BASE_SNAPSHOT);
        images.rename(parsed.name(), name);
        unmapAfterRenaming(storage, parsed.name());
        images.protectBase(name);
        return new VolumeName(parsed.base() == null ? name : parsed.base().name() + "/" + name);
    }

    @Override
    public VolumeName cloneImage(Storage storage, VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        ParsedVolume.GuestImage parsed = parseVolname(volume);
        if (snapshot == null && !parsed.isBase()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "clone_image only works on base images or snapshots, and '" + storage.id() + ":" + volume
                            + "' is not a base image and snapname is not provided");
        }
        Images images = images(storage);
        String name = images.freeName(owner);
        images.cloneImage(parsed.name(), snapshot == null ? RbdNames.BASE_SNAPSHOT : snapshot.value(), name);
        return new VolumeName(snapshot == null ? parsed.name() + "/" + name : name);
    }

    @Override
    public VolumeId renameVolume(Storage storage, VolumeName volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        ParsedVolume.GuestImage parsed = parseVolname(volume);
        Images images = images(storage);
        String target = name == null ? images.freeName(owner == null ? ownerOf(parsed) : owner) : name.value();
        if (RbdNames.parse(new VolumeName(target)).base() != null) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "illegal name " + Quoted.of(target) + " - a new name is without that of a base image");
        }
        images.rename(parsed.name(), target);
        unmapAfterRenaming(storage, parsed.name());
        return new VolumeId(
                storage.id(),
                new VolumeName(parsed.base() == null ? target : parsed.base().name() + "/" + target));
    }

    /** QEMU itself makes an image larger that it has open. */
    @Override
    public void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        String image = parseVolname(volume).name();
        if (snapshot != null) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "resizing a snapshot is not supported for storage '" + storage.id() + "' of type '" + type() + "'");
        }
        if (!isRunning || Configuration.isMapped(storage)) {
            images(storage).resize(image, size);
        }
    }

    // ---- snapshots

    @Override
    public void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        SnapshotNames.refuseUnfit(snapshot);
        images(storage).snapshot(parseVolname(volume).name(), snapshot.value());
    }

    @Override
    public void rollback(Storage storage, VolumeName volume, SnapshotName snapshot) {
        images(storage).rollback(parseVolname(volume).name(), snapshot.value());
    }

    @Override
    public void deleteSnapshot(Storage storage, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
        unmapVolume(storage, volume, snapshot);
        images(storage).deleteSnapshot(parseVolname(volume).name(), snapshot.value());
    }

    @Override
    public Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        Map<String, SnapshotInfo> infos = new TreeMap<>();
        for (Image.Snapshot snapshot :
                rbd(storage).snapshots(parseVolname(volume).name())) {
            infos.put(
                    snapshot.name(),
                    new SnapshotInfo(
                            Long.toString(snapshot.id()),
                            snapshot.created(),
                            ByteSize.ofBytes(snapshot.size()),
                            Map.of()));
        }
        return infos;
    }

    @Override
    public void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        parseVolname(volume);
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED,
                "rename_snapshot is not implemented for storage '" + storage.id() + "' of type '" + type() + "'");
    }

    /** A snapshot is of all the cluster has acknowledged, which is not all that a container has written. */
    @Override
    public boolean snapshotNeedsFreeze() {
        return true;
    }

    @Override
    public SnapshotMethod snapshotMethod(Storage storage, VolumeName volume) {
        parseVolname(volume);
        return Configuration.isMapped(storage) ? SnapshotMethod.STORAGE : SnapshotMethod.QEMU;
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
            case CLONE -> !isCurrent;
            case TEMPLATE, RENAME -> isCurrent;
            case COPY -> true;
            case SPARSEINIT -> snapshot == null;
            case REPLICATE -> false;
        };
    }

    // ---- transfers

    @Override
    public List<String> exportFormats(Storage storage, VolumeName volume, Transfer transfer) {
        parseVolname(volume);
        return transfer.base() == null && !transfer.withSnapshots() ? List.of(Streams.FORMAT) : List.of();
    }

    @Override
    public void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        refuseOther(exportFormats(storage, volume, transfer), volume, format, "export");
        SnapshotName snapshot = transfer.snapshot();
        new Streams(rbd(storage)).send(parseVolname(volume).name(), snapshot == null ? null : snapshot.value(), stream);
    }

    /**
     * The image is called otherwise until it is complete, so that nobody takes it for one; its number is taken meanwhile for
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
        ParsedVolume.GuestImage parsed = parseVolname(volume);
        Images images = images(storage);
        if (!allowRename) {
            images.refuseTaken(parsed.name());
        }
        String staged = images.stagingName(parsed.name());
        new Streams(rbd(storage)).receive(images, staged, stream);
        String name = locked(storage, () -> images.unstage(staged, parsed, allowRename));
        return new VolumeId(storage.id(), new VolumeName(name));
    }
}
