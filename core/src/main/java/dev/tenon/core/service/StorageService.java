package dev.tenon.core.service;

import dev.tenon.core.config.StorageConfigs;
import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.ParsedVolume;
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
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.storage.common.VolumeLookup;
import dev.tenon.core.stream.StreamSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The host of storage plugins: what PVE's {@code PVE::Storage} does around a plugin, in its order of checks and calls. A
 * storage is activated before it is used, and what changes names in it runs under its lock. It works on any {@link
 * StoragePlugin}: one in Java, one in a sidecar, one that is decorated. The file is long because a host has that many
 * functions; none of them has more than a few lines here.
 *
 * <p>All methods that take a storage or a volume throw {@link StorageException}: {@code NOT_FOUND} if there is no such
 * storage, {@code NOT_SUPPORTED} if no plugin has its type, and what its plugin throws. Those that activate ({@code
 * STORAGE_UNAVAILABLE}) or lock ({@code IN_USE}) say so.
 */
public final class StorageService {
    private static final int RESIZE_STEP = 1024;
    /** How long a storage may take to tell its status, activation included. */
    public static final Duration STATUS_LIMIT = Duration.ofSeconds(10);

    /** How long a storage may take to list its volumes. */
    public static final Duration LIST_LIMIT = Duration.ofSeconds(60);

    private final Storages storages;
    private final Locks locks;
    private final Executor cleanups;
    private final Permissions permissions;

    /**
     * A host on behalf of a user.
     *
     * @param configs the configuration as it is now, asked anew for each operation
     * @param types who answers for a storage type
     * @param node the name of this node, without a domain
     * @param cleanups runs what a removal leaves for later, which may take hours
     */
    public StorageService(
            Supplier<StorageConfigs> configs,
            Map<String, StoragePlugin> types,
            String node,
            Locks locks,
            Executor cleanups,
            Permissions permissions) {
        this(new Storages(configs, types, node), locks, cleanups, permissions);
    }

    private StorageService(Storages storages, Locks locks, Executor cleanups, Permissions permissions) {
        this.storages = storages;
        this.locks = locks;
        this.cleanups = cleanups;
        this.permissions = permissions;
    }

    /** The same for a user who only reads: directories that a storage of this node lacks are not made. */
    public StorageService reading() {
        return new StorageService(storages.reading(), locks, cleanups, permissions);
    }

    // ---- activation

    /** Makes a storage usable on this node, after the one it is based on. */
    public void activateStorage(StorageId storage) {
        operation().activate(storage);
    }

    /**
     * Tries a storage that is not in the configuration yet: makes it usable, if it may be used on this node.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if it is not online; what its plugin throws
     */
    public void tryStorage(Storage storage) {
        Configured configured = storages.configured(storage);
        if (storages.isEnabled(configured)) {
            operation().activate(configured);
        }
    }

    public void deactivateStorage(StorageId storage) {
        Configured configured = storages.get(storage);
        configured.plugin().deactivateStorage(configured.storage(), operation().cache());
    }

    /**
     * Activates volumes, and before them the storages that they are on.
     *
     * @param snapshot null for the volumes as they are now
     */
    public void activateVolumes(Collection<VolumeId> volumes, @Nullable SnapshotName snapshot, Hints hints) {
        operation().activateVolumes(volumes, snapshot, hints);
    }

    /**
     * Deactivates volumes, all that can be.
     *
     * @throws StorageException if some could not be, naming them; the reasons are logged
     */
    public void deactivateVolumes(Collection<VolumeId> volumes, @Nullable SnapshotName snapshot) {
        operation().deactivateVolumes(volumes, snapshot);
    }

    // ---- listing

    /** Whether a storage may be used on this node. */
    public boolean isEnabled(StorageId storage) {
        return storages.isEnabled(storages.get(storage));
    }

    /** The storages that are enabled and configured for one of these kinds of content, in the order of the configuration. */
    public List<StorageId> enabled(Set<ContentType> content) {
        return storages.all().stream()
                .filter(configured -> storages.isEnabled(configured)
                        && Inventory.contentOf(configured).stream().anyMatch(content::contains))
                .map(Configured::id)
                .toList();
    }

    /** The status of all storages, asked at the same time, in the order of the configuration. */
    public List<StorageSummary> status() {
        return status(Set.of(), STATUS_LIMIT);
    }

    /** The same of those that are enabled and configured for one of these kinds of content. */
    public List<StorageSummary> status(Set<ContentType> content) {
        return status(content, STATUS_LIMIT);
    }

    /**
     * How the storages are that are enabled and configured for one of these kinds of content. All are asked at the same
     * time; one that does not answer is inactive.
     *
     * @param content empty for all storages, enabled or not
     * @param limit how long a storage may take
     */
    public List<StorageSummary> status(Set<ContentType> content, Duration limit) {
        return statusOf(
                storages.all().stream()
                        .filter(configured -> content.isEmpty()
                                || (storages.isEnabled(configured)
                                        && Inventory.contentOf(configured).stream()
                                                .anyMatch(content::contains)))
                        .map(Configured::id)
                        .toList(),
                limit);
    }

    /** How these storages are, asked at the same time; one that does not answer within the limit is inactive. */
    public List<StorageSummary> statusOf(Collection<StorageId> asked, Duration limit) {
        return new Inventory(storages).statusOf(asked, limit);
    }

    /** How a storage is. */
    public StorageSummary status(StorageId storage) {
        return statusOf(List.of(storage), STATUS_LIMIT).getFirst();
    }

    /**
     * The images of guests, sorted by volume id. Of storages that cannot be activated the reason is thrown.
     *
     * @param only the storage to list, null for all that are enabled and hold images
     * @param content if given, only storages configured for it
     */
    public Map<StorageId, List<VolumeInfo>> listImages(
            @Nullable StorageId only, ImageFilter filter, @Nullable ContentType content) {
        return new Inventory(storages).listImages(only, filter, content);
    }

    /**
     * The volumes of a storage, sorted by volume id.
     *
     * @param owner those of one guest, null for all
     * @param content the kinds to list, as far as the storage is configured for them; empty for all
     */
    public List<ListedVolume> listVolumes(StorageId storage, @Nullable Vmid owner, Set<ContentType> content) {
        return new Inventory(storages).listVolumes(storage, owner, content);
    }

    /**
     * The same of several storages, asked at the same time, in their order. A storage that cannot be used, or does not
     * answer in time, is told as such, and the others are listed.
     *
     * @param limit how long a storage may take
     */
    public Collection<Answer<List<ListedVolume>>> listVolumes(
            Collection<StorageId> asked, @Nullable Vmid owner, Set<ContentType> content, Duration limit) {
        return AtOnce.ask(asked, limit, storage -> listVolumes(storage, owner, content))
                .values();
    }

    // ---- images: activated, and locked

    /**
     * Allocates an image, under the storage's lock.
     *
     * @param format null for the storage's own
     * @param name null to let the storage choose
     */
    public VolumeId allocImage(
            StorageId storage, Vmid owner, @Nullable Format format, @Nullable String name, ByteSize size) {
        return images().allocImage(storage, owner, format, name, size);
    }

    /** Makes a linked clone, under the storage's lock. */
    public VolumeId cloneImage(VolumeId volume, Vmid owner, @Nullable SnapshotName snapshot) {
        return images().cloneImage(volume, owner, snapshot);
    }

    /**
     * Makes a full copy of an image: by sharing its blocks where the file systems can, otherwise by copying its data and
     * never its holes. The target's storage is locked only to name the copy. An interrupt of the thread ends it early.
     *
     * @param snapshot null for the volume as it is now, which must not be written to meanwhile
     * @param bytesPerSecond how fast data may be moved, see {@link #bandwidthLimit}; blocks that are shared do not count
     * @throws StorageException {@code FAILED_CLEAN} or {@code NOT_STARTED}: there is no copy; {@code UNKNOWN}: the message
     *     names what is left
     */
    public VolumeId copyImage(
            VolumeId volume,
            @Nullable SnapshotName snapshot,
            CopyTarget target,
            OptionalLong bytesPerSecond,
            CopyProgress progress) {
        return new ImageCopying(operation(), locks, bytesPerSecond, progress).copy(volume, snapshot, target);
    }

    /** Makes a volume the base of linked clones, under the storage's lock. */
    public VolumeId createBase(VolumeId volume) {
        return images().createBase(volume);
    }

    /**
     * Removes a volume, under the storage's lock. What the plugin leaves for later is handed to whoever runs that, once
     * the lock is released.
     *
     * @throws StorageException {@code IN_USE} if it is the base of linked clones
     */
    public void freeImage(VolumeId volume) {
        images().freeImage(volume);
    }

    /**
     * Renames a volume, under the storage's lock.
     *
     * @param owner the guest that gets it; null for the one that has it (PVE takes the base image's name there, which is
     *     no guest)
     * @param name null to let the storage choose
     */
    public VolumeId renameVolume(VolumeId volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        return images().renameVolume(volume, owner, name);
    }

    /** Renames a snapshot, under the storage's lock. */
    public void renameSnapshot(VolumeId volume, SnapshotName from, SnapshotName to) {
        images().renameSnapshot(volume, from, to);
    }

    private GuestImages images() {
        return new GuestImages(storages, locks, cleanups);
    }

    // ---- volumes: neither activated nor locked

    /**
     * Changes the size of a volume.
     *
     * @param size rounded up to 1024 bytes
     * @param isRunning whether a guest uses it
     */
    public void resizeVolume(VolumeId volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        long padding = (RESIZE_STEP - size.bytes() % RESIZE_STEP) % RESIZE_STEP;
        if (size.bytes() > Long.MAX_VALUE - padding) {
            throw StorageException.refused(StorageError.BAD_PARAMETER, "size " + size + " is too large");
        }
        Configured configured = storages.get(volume.storage());
        configured
                .plugin()
                .resizeVolume(
                        configured.storage(),
                        volume.volume(),
                        ByteSize.ofBytes(size.bytes() + padding),
                        isRunning,
                        snapshot);
    }

    public void snapshotVolume(VolumeId volume, SnapshotName snapshot) {
        Configured configured = storages.get(volume.storage());
        configured.plugin().snapshotVolume(configured.storage(), volume.volume(), snapshot);
    }

    public Rollback rollbackIsPossible(VolumeId volume, SnapshotName snapshot) {
        Configured configured = storages.get(volume.storage());
        return configured.plugin().rollbackIsPossible(configured.storage(), volume.volume(), snapshot);
    }

    /**
     * Takes a volume back to what it was, if that is possible.
     *
     * @throws StorageException {@code IN_USE} with the reason if it is not
     */
    public void rollback(VolumeId volume, SnapshotName snapshot) {
        if (rollbackIsPossible(volume, snapshot)
                instanceof Rollback.Blocked(String reason, List<SnapshotName> blockers)) {
            throw StorageException.refused(
                    StorageError.IN_USE,
                    blockers.isEmpty() ? reason : reason + " (delete first: " + names(blockers) + ")");
        }
        Configured configured = storages.get(volume.storage());
        configured.plugin().rollback(configured.storage(), volume.volume(), snapshot);
    }

    private static String names(List<SnapshotName> snapshots) {
        return String.join(", ", snapshots.stream().map(SnapshotName::value).toList());
    }

    /** Deletes a snapshot. */
    public void deleteSnapshot(VolumeId volume, SnapshotName snapshot, boolean isRunning) {
        Configured configured = storages.get(volume.storage());
        configured.plugin().deleteSnapshot(configured.storage(), volume.volume(), snapshot, isRunning);
    }

    public Map<String, SnapshotInfo> snapshots(VolumeId volume) {
        Configured configured = storages.get(volume.storage());
        return configured.plugin().snapshots(configured.storage(), volume.volume());
    }

    public SnapshotMethod snapshotMethod(VolumeId volume) {
        Configured configured = storages.get(volume.storage());
        return configured.plugin().snapshotMethod(configured.storage(), volume.volume());
    }

    /** Size, format and use of a volume. */
    public SizeInfo volumeSizeInfo(VolumeId volume, @Nullable Duration timeout) {
        Configured configured = storages.get(volume.storage());
        return configured.plugin().volumeSizeInfo(configured.storage(), volume.volume(), timeout);
    }

    /** Where a volume is for QEMU. */
    public VolumePath path(VolumeId volume, @Nullable SnapshotName snapshot) {
        Configured configured = storages.get(volume.storage());
        return configured.plugin().path(configured.storage(), volume.volume(), snapshot);
    }

    /** What a volume id says. */
    public ParsedVolume parseVolname(VolumeId volume) {
        return storages.get(volume.storage()).plugin().parseVolname(volume.volume());
    }

    /** The directory of a storage for a kind of content, absolute; empty if the storage has no directories. */
    public Optional<Path> directory(StorageId storage, ContentType type) {
        Configured configured = storages.get(storage);
        try {
            return Optional.of(Path.of(configured.plugin().getSubdir(configured.storage(), type)));
        } catch (StorageException e) {
            if (e.error() == StorageError.NOT_SUPPORTED) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The volume that lies at an absolute path, in the first storage of the configuration that it belongs to. */
    public Optional<VolumeId> find(Path path) {
        return storages.all().stream()
                .map(configured -> VolumeLookup.find(configured.plugin(), configured.storage(), path))
                .flatMap(Optional::stream)
                .findFirst();
    }

    public boolean hasFeature(VolumeId volume, Feature feature, @Nullable SnapshotName snapshot, boolean isRunning) {
        Configured configured = storages.get(volume.storage());
        return configured
                .plugin()
                .hasFeature(configured.storage(), feature, volume.volume(), snapshot, isRunning, null);
    }

    // ---- streams: activated, and not locked

    /**
     * Writes a volume to a stream; its storage and the volume are activated before.
     *
     * @param format a stream format such as {@code raw+size}; null for the first that is offered
     * @return the format
     * @throws StorageException {@code NOT_SUPPORTED} if the volume cannot leave in this format, with those in which it can;
     *     what {@link StoragePlugin#exportVolume} throws
     */
    public String exportVolume(VolumeId volume, @Nullable String format, Transfer transfer, ExportStream stream) {
        return new VolumeTransfers(storages, operation(), locks).exportVolume(volume, format, transfer, stream);
    }

    /**
     * Makes a volume of what comes in a stream; its storage is activated before.
     *
     * @param volume the wanted name
     * @param format the format of the stream; null for the first that is taken
     * @param allowRename whether another name may be chosen if there is a volume of this one
     * @return the new volume's id
     * @throws StorageException {@code NOT_SUPPORTED} if the volume cannot come in this format, with those in which it can;
     *     what {@link StoragePlugin#importVolume} throws. Unless it is {@code UNKNOWN}, nothing is left
     */
    public VolumeId importVolume(
            VolumeId volume, @Nullable String format, Transfer transfer, boolean allowRename, ImportStream stream) {
        return new VolumeTransfers(storages, operation(), locks)
                .importVolume(volume, format, transfer, allowRename, stream);
    }

    /**
     * Copies a volume of any kind to the name that is wanted, on the same or on another storage. Files are copied by the
     * kernel, which shares their blocks where it can, and images between directories are converted if their formats
     * differ; everything else is a stream in the first format that both storages have. An interrupt ends it early.
     *
     * @param transfer what of the volume is copied; as it is now it must not be written to meanwhile
     * @param settings a checksum is not made
     * @return the copy's id
     * @throws StorageException {@code NOT_SUPPORTED} if the storages have no format in common. Unless it is {@code
     *     UNKNOWN}, nothing is left
     */
    public VolumeId copyVolume(VolumeId volume, VolumeId to, Transfer transfer, StreamSettings settings) {
        return new VolumeTransfers(storages, operation(), locks).copyVolume(volume, to, transfer, settings);
    }

    // ---- backups

    /**
     * A backup provider of a storage that keeps backups of its own kind; the storage is activated before. The caller closes
     * it.
     *
     * @param log where the provider says what it does
     * @throws StorageException {@code NOT_SUPPORTED} if the storage has none
     */
    public BackupProvider newBackupProvider(StorageId storage, TaskLog log) {
        return backups().newProvider(storage, log);
    }

    public Optional<String> attribute(VolumeId volume, VolumeAttribute attribute) {
        Configured configured = storages.get(volume.storage());
        return configured.plugin().attribute(configured.storage(), volume.volume(), attribute);
    }

    /**
     * Notes something about a volume.
     *
     * @param value null or empty notes delete them
     * @throws StorageException {@code PERMISSION_DENIED} if a further backup of the guest may not be protected
     */
    public void updateAttribute(VolumeId volume, VolumeAttribute attribute, @Nullable String value) {
        backups().updateAttribute(volume, attribute, value);
    }

    /**
     * Removes the backups that the retention does not keep; the storage is activated before.
     *
     * @param retention null for the one that the storage is configured for
     */
    public Pruned pruneBackups(
            StorageId storage,
            @Nullable Retention retention,
            BackupSelection selection,
            boolean isDryRun,
            TaskLog log) {
        return backups().prune(storage, retention, selection, isDryRun, log);
    }

    private KeptBackups backups() {
        return new KeptBackups(storages, permissions);
    }

    // ---- what the user may do

    /**
     * How fast something may read and write.
     *
     * @param involved the storages it uses
     * @param requested bytes a second that the user asks for; 0 is without a limit
     * @param datacenter the {@code bwlimit} of the data centre's configuration, null if it has none
     * @return bytes a second, empty for no limit
     */
    public OptionalLong bandwidthLimit(
            BandwidthUse use, Collection<StorageId> involved, OptionalLong requested, @Nullable String datacenter) {
        return new BandwidthLimits(storages, permissions, datacenter).of(use, involved, requested);
    }

    private Operation operation() {
        return new Operation(storages);
    }
}
