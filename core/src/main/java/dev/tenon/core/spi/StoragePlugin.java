package dev.tenon.core.spi;

import dev.tenon.core.spi.backup.BackupProvider;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A storage type: everything that PVE's storage layer asks of a plugin, typed and without versions. A storage written in
 * Java implements it, and a Perl plugin in its sidecar is one. Whatever wraps, serves, compares or tests storages takes
 * one.
 *
 * <p>An implementation serves any number of storages of its type; every call names the storage concerned. Calls come from
 * many threads at once. A call that fails throws {@link StorageException}, whose outcome says whether it may be repeated;
 * after {@code UNKNOWN} the caller looks first ({@link #listImages}).
 *
 * <p>A call itself locks and activates nothing: the host does both around it, as PVE does.
 *
 * <p>Methods that a storage need not support have defaults here that answer as PVE's base class does, mostly with {@code
 * NOT_SUPPORTED}. The interface is as long as PVE's table of methods: each is declared once, here.
 */
public interface StoragePlugin {
    /** The storage type as written in {@code storage.cfg}, in lower case. */
    String type();

    /**
     * The class of PVE that is most like this type. On a PVE host, the class through which the type is used inherits from
     * it, and answers what a host must know without the daemon: what a volume name means, in which stream formats a volume
     * can arrive, and whether a configuration is valid.
     *
     * @return a class that every PVE has; its base class of all types, if none is more like this type
     */
    default String hostClass() {
        return "PVE::Storage::Plugin";
    }

    PluginData pluginData();

    /** Whether every storage of the type is the same on all nodes, whatever its configuration says. */
    default boolean isShared() {
        return false;
    }

    /** The configuration properties that this plugin declares, by name. */
    Map<String, PropertySchema> properties();

    /** The properties that a storage of this type may or must have, by name. */
    Map<String, PropertyOption> options();

    /**
     * What a volume name says. Pure: it touches no storage and works for volumes that do not exist.
     *
     * @throws StorageException {@code INVALID_NAME} if the name is not one of this plugin's
     */
    ParsedVolume parseVolname(VolumeName volume);

    /**
     * The forms of the names of this type, in the order in which they are tried, for hosts that cannot ask {@link
     * #parseVolname}. Empty if the names are those of PVE's base class, or if only the plugin can tell.
     */
    default List<NamePattern> namePatterns() {
        return List.of();
    }

    // ---- how names of images tell their formats; names are bare, without the guest's directory and the base image

    /**
     * The endings of image names by format, without the dot; an empty text means none. The plugin has no images of other
     * formats. Pure, like the five methods below.
     */
    default Map<Format, String> formatExtensions() {
        throw unsupported("FORMAT_EXTENSION");
    }

    default boolean isValidFormat(Format format) {
        return formatExtensions().containsKey(format);
    }

    /** The ending of names of this format, without the dot; empty if the plugin has no such images. */
    default Optional<String> formatExtension(Format format) {
        return Optional.ofNullable(formatExtensions().get(format));
    }

    /**
     * The format that a name says.
     *
     * @return empty if it says none; it may then not be a name of this plugin at all
     * @throws StorageException {@code INVALID_NAME} if it is not a valid name
     */
    default Optional<Format> parsedFormat(String name) {
        throw unsupported("get_parsed_format");
    }

    /** The name that an image would have in another format. Whether the plugin accepts it is not checked. */
    default String nameWithFormat(String name, Format format) {
        throw unsupported("volname_with_format");
    }

    /**
     * The name to use for a new image of this format if this name is wanted. The calling {@link Host} is warned if they
     * differ.
     *
     * @param isStrict whether a name that does not fit is refused even if another could be used instead
     * @throws StorageException {@code NOT_SUPPORTED} if the plugin has no such format; {@code INVALID_NAME} if the name
     *     says another format or is not one of this plugin's
     */
    default String nameForFormat(String name, Format format, boolean isStrict) {
        throw unsupported("volname_for_format");
    }

    // ---- where volumes are

    /**
     * Where the volume, or its snapshot, is for QEMU. It need not exist or be active.
     *
     * @param snapshot null for the volume as it is now
     * @throws StorageException {@code INVALID_NAME}; {@code NOT_SUPPORTED} if its snapshots have no path
     */
    VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot);

    /**
     * Where the volume, or its snapshot, is in the file system. Differs from {@link #path} only for storages that are
     * directories.
     *
     * @param snapshot null for the volume as it is now
     * @throws StorageException {@code INVALID_NAME}; {@code NOT_SUPPORTED} if its snapshots have no path
     */
    default VolumePath filesystemPath(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        return path(storage, volume, snapshot);
    }

    /**
     * The directory that holds a kind of content, absolute; for storages that are directories.
     *
     * @throws StorageException {@code BAD_CONFIG} if the storage has no path; {@code BAD_PARAMETER} if the type has no
     *     directory; {@code NOT_SUPPORTED} if the storage is not a directory
     */
    default String getSubdir(Storage storage, ContentType type) {
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED,
                "storage '" + storage.id() + "' of type '" + type() + "' has no directories, and so none for content '"
                        + type.word() + "'");
    }

    /**
     * The guest images of the storage, in no particular order.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if it cannot be read
     */
    List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache);

    /**
     * Size, format and used space of a volume.
     *
     * @param timeout how long to wait for the storage, null for the plugin's own limit
     * @throws StorageException {@code NOT_FOUND}; {@code UNSAFE_IMAGE} if the image names files outside the storage
     */
    SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout);

    StorageStatus status(Storage storage, OperationCache cache);

    /**
     * Makes the storage usable on this node. May be called if it already is.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE} or {@code BAD_CONFIG}, with the reason
     */
    void activateStorage(Storage storage, OperationCache cache);

    void deactivateStorage(Storage storage, OperationCache cache);

    /**
     * Makes the volume usable on this node. May be called if it already is.
     *
     * @param snapshot null for the volume as it is now
     * @throws StorageException {@code NOT_FOUND}; {@code UNSAFE_IMAGE}
     */
    void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints);

    void deactivateVolume(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache);

    /**
     * The next free name for a new image of the guest, without its directory.
     *
     * @param format null for the plugin's default
     * @param addSuffix whether the name should contain the format
     * @throws StorageException {@code NO_SPACE} if the guest has used up its names
     */
    String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix);

    /**
     * Allocates a new image. The caller holds the storage's lock. If it fails with {@code FAILED_CLEAN}, nothing is left.
     *
     * @param name the wanted name, null to let the plugin choose
     * @param size virtual size; plugins count it in KiB, so it is rounded up to 1024 bytes
     * @return the new volume's name, which may differ from the wanted one
     * @throws StorageException {@code ALREADY_EXISTS}, {@code INVALID_NAME}, {@code NOT_SUPPORTED}, {@code NO_SPACE},
     *     {@code COMMAND_FAILED}
     */
    VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size);

    /**
     * Removes a volume. The caller holds the storage's lock and has checked that no clone depends on it. Removing a
     * volume that does not exist succeeds.
     *
     * @param isBase whether the host knows that it is a base image
     * @param format null if the host does not know it
     * @return what is left to do once the lock is released, usually nothing
     * @throws StorageException {@code INVALID_NAME}, {@code PERMISSION_DENIED}, {@code IN_USE}
     */
    Optional<Cleanup> freeImage(Storage storage, VolumeName volume, boolean isBase, @Nullable Format format);

    // ---- abilities beyond PVE's plugin API

    /** New images from what somebody writes. Empty if the images of this type are not files. */
    default Optional<ImageFiles> imageFiles() {
        return Optional.empty();
    }

    /** What interrupted work leaves. Empty if this type cannot tell. */
    default Optional<Examinable> examinable() {
        return Optional.empty();
    }

    // ---- configuration

    /**
     * Checks the properties of a storage before they are written, beyond what their schemas say. Pure: hosts ask it
     * whenever they read the configuration.
     *
     * @param properties as read or given, with their type
     * @param isNew whether these are all properties of a new storage, and not only those that change
     * @return the properties that are valid
     * @throws StorageException {@code BAD_CONFIG} naming the property that is wrong
     */
    default Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
        Map<String, PropertyOption> options = options();
        for (String name : properties.keySet()) {
            if (!name.equals("type") && !options.containsKey(name)) {
                throw StorageException.refused(
                        StorageError.BAD_CONFIG, "storage '" + storage + "': unexpected property '" + name + "'");
            }
        }
        options.forEach((name, option) -> {
            if (isNew && !option.optional() && !properties.containsKey(name)) {
                throw StorageException.refused(
                        StorageError.BAD_CONFIG,
                        "storage '" + storage + "': missing value for required option '" + name + "'");
            }
            if (!isNew && option.fixed() && properties.containsKey(name)) {
                throw StorageException.refused(
                        StorageError.BAD_CONFIG,
                        "storage '" + storage + "': can't change value of fixed parameter '" + name + "'");
            }
        });
        return properties;
    }

    /**
     * A storage is being added; nothing has been written yet. If this fails, nothing will be written.
     *
     * @return the properties that are written
     */
    default HookResult onAdd(Storage storage, Secrets secrets) {
        return new HookResult(storage.config().properties(), Map.of());
    }

    /**
     * A storage's configuration is being changed; nothing has been written yet. If this fails, nothing will be written.
     *
     * @param storage as it is before the change; a host below API level 13 makes its deletions before it asks
     * @return the properties that are set
     */
    default HookResult onUpdate(Storage storage, ConfigChange change) {
        return new HookResult(change.set(), Map.of());
    }

    /** A storage is being removed from the configuration, or could not be activated after it was added. */
    default void onDelete(Storage storage) {}

    // ---- the storage

    /**
     * Runs something while nobody else changes the storage. Hosts have their own lock; a plugin implements this only if
     * its storage needs another.
     *
     * @param isShared whether other nodes use the storage too
     * @param timeout how long to wait for the lock, null for the default
     * @throws StorageException {@code IN_USE} if the lock cannot be taken; whatever the work throws
     */
    default void lockStorage(StorageId storage, boolean isShared, @Nullable Duration timeout, Runnable work) {
        throw unsupported("cluster_lock_storage");
    }

    /**
     * Whether the storage can be reached, without activating it.
     *
     * @throws StorageException if that cannot be determined, with the reason
     */
    default boolean checkConnection(Storage storage) {
        return true;
    }

    /** The image formats that the storage takes. Pure: hosts ask it for storages of other nodes. */
    default Formats formats(Storage storage) {
        return pluginData().formatsOf(storage);
    }

    /** Whether volumes of this format can be replicated. */
    default boolean canReplicate(Storage storage, Format format) {
        return false;
    }

    /**
     * What identifies the storage among all others, for instance the serial number of an array.
     *
     * @throws StorageException {@code NOT_SUPPORTED} if it has no such thing
     */
    default String identity(Storage storage) {
        throw unsupported("get_identity");
    }

    // ---- images

    /**
     * All volumes of these kinds, in no particular order.
     *
     * @param owner those of one guest, null for all
     */
    default List<ListedVolume> listVolumes(Storage storage, @Nullable Vmid owner, Set<ContentType> content) {
        throw unsupported("list_volumes");
    }

    /**
     * Makes a volume the base of linked clones. The caller holds the storage's lock.
     *
     * @return the volume's new name
     */
    default VolumeName createBase(Storage storage, VolumeName volume) {
        throw unsupported("create_base");
    }

    /**
     * Makes a linked clone. The caller holds the storage's lock.
     *
     * @param snapshot null for the volume as it is
     * @return the clone's name
     */
    default VolumeName cloneImage(Storage storage, VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        throw unsupported("clone_image");
    }

    /**
     * Renames a volume. The caller holds the storage's lock.
     *
     * @param owner the guest that gets it, null if the name says so
     * @param name the new name, null to let the plugin choose
     * @return the volume's new id
     * @throws StorageException {@code ALREADY_EXISTS}, {@code NOT_SUPPORTED}
     */
    default VolumeId renameVolume(Storage storage, VolumeName volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        throw unsupported("rename_volume");
    }

    /**
     * Changes the size of a volume.
     *
     * @param isRunning whether a guest uses it; then QEMU does as much of the resizing as it can
     * @param snapshot the snapshot to resize instead, null for the volume as it is now
     */
    default void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        throw unsupported("volume_resize");
    }

    // ---- snapshots

    default void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        throw unsupported("volume_snapshot");
    }

    /** Whether {@link #rollback} would be refused. */
    default Rollback rollbackIsPossible(Storage storage, VolumeName volume, SnapshotName snapshot) {
        return new Rollback.Possible();
    }

    /** Restores a volume to a snapshot; what was written later is lost. */
    default void rollback(Storage storage, VolumeName volume, SnapshotName snapshot) {
        throw unsupported("volume_snapshot_rollback");
    }

    /**
     * Deletes a snapshot.
     *
     * @param snapshot where snapshots are volumes of their own, PVE also names {@code current} while a guest runs: QEMU has
     *     left the volume itself for its only snapshot, which then gets the volume's name by {@link #renameSnapshot}
     * @param isRunning whether a guest uses the volume; then QEMU has already done its part
     */
    default void deleteSnapshot(Storage storage, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
        throw unsupported("volume_snapshot_delete");
    }

    /** The snapshots of a volume by name. A chain of images also has {@code current}, the volume as it is now. */
    default Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        throw unsupported("volume_snapshot_info");
    }

    /** Renames a snapshot; {@code current} is the volume as it is now. The caller holds the storage's lock. */
    default void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        throw unsupported("rename_snapshot");
    }

    /** Whether the file system of a container must be frozen for a snapshot. */
    default boolean snapshotNeedsFreeze() {
        return false;
    }

    /** Who makes the snapshots of this volume while a guest uses it. */
    default SnapshotMethod snapshotMethod(Storage storage, VolumeName volume) {
        return parseVolname(volume).format() == Format.Image.QCOW2 ? SnapshotMethod.QEMU : SnapshotMethod.STORAGE;
    }

    // ---- volumes

    /**
     * Whether the volume has a feature.
     *
     * @param snapshot null for the volume as it is now
     * @param isRunning whether a guest uses it
     * @param targetFormats the formats a clone may have, null for any
     */
    default boolean hasFeature(
            Storage storage,
            Feature feature,
            VolumeName volume,
            @Nullable SnapshotName snapshot,
            boolean isRunning,
            @Nullable Set<Format> targetFormats) {
        return false;
    }

    /**
     * Makes an active volume available as a file or device of this node.
     *
     * @param snapshot null for the volume as it is now
     * @return its path, empty if it is that of {@link #path}
     */
    default Optional<String> mapVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, Hints hints) {
        return Optional.of(path(storage, volume, snapshot).path());
    }

    default void unmapVolume(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {}

    /**
     * The value of an attribute of a volume.
     *
     * @return empty if the storage does not have this attribute
     */
    default Optional<String> attribute(Storage storage, VolumeName volume, VolumeAttribute attribute) {
        return Optional.empty();
    }

    /**
     * Sets an attribute of a volume.
     *
     * @param value null or empty deletes the notes
     * @throws StorageException {@code NOT_SUPPORTED} if the storage does not have this attribute
     */
    default void updateAttribute(
            Storage storage, VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED,
                "attribute '" + attribute.word() + "' is not supported for storage type '" + type() + "'");
    }

    /**
     * Removes the backups that the retention does not keep, and no others.
     *
     * @param isDryRun only reports what would be done
     * @throws StorageException if one could not be removed; the log says which
     */
    default Pruned pruneBackups(
            Storage storage, Retention retention, BackupSelection selection, boolean isDryRun, TaskLog log) {
        throw unsupported("prune_backups");
    }

    /**
     * The options for QEMU's {@code -blockdev} to open a volume.
     *
     * @return {@code driver} and its options; text, integers ({@code Long}), booleans, maps and lists
     */
    default Map<String, Object> blockdevOptions(Storage storage, VolumeName volume, BlockdevQuery query) {
        throw unsupported("qemu_blockdev_options");
    }

    /**
     * A guest to import, as its manifest describes it.
     *
     * @return {@code type}, {@code source}, {@code create-args}, {@code disks}, {@code net}, {@code warnings}; text,
     *     integers ({@code Long}), booleans, maps and lists
     */
    default Map<String, Object> importMetadata(Storage storage, VolumeName volume) {
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED, "storage '" + storage.id() + "' does not support the importer API");
    }

    // ---- transfers

    /** The stream formats in which the volume can leave, best first. */
    default List<String> exportFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return List.of();
    }

    /**
     * The stream formats in which such a volume can arrive, best first. Pure: it is asked on the node that the volume
     * comes from.
     */
    default List<String> importFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return List.of();
    }

    /**
     * Writes a volume to a stream. The caller has activated it. A storage whose volumes are files or devices of this node
     * only says where the bytes are: {@link ExportStream#send}.
     *
     * @param format one of {@link #exportFormats}
     * @throws StorageException {@code NOT_SUPPORTED} if the volume cannot leave in this format; {@code NOT_FOUND}; {@code
     *     UNSAFE_IMAGE}; what {@link ExportStream} throws
     */
    default void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        throw unsupported("volume_export");
    }

    /**
     * Creates a volume from a stream. The storage is not locked. If it fails with {@code FAILED_CLEAN}, nothing is left.
     *
     * @param volume the wanted name
     * @param format one of {@link #importFormats}
     * @param allowRename whether another name may be chosen if this one is taken
     * @return the new volume's id
     * @throws StorageException {@code ALREADY_EXISTS}; {@code NOT_SUPPORTED} if the volume cannot arrive in this format;
     *     {@code UNSAFE_IMAGE}; what {@link ImportStream} throws
     */
    default VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        throw unsupported("volume_import");
    }

    // ---- backups

    /**
     * A backup provider for one job, one restore, or a look at one archive. Cheap, and without an effect: hosts make one and
     * never use it. The storage lists the archives ({@link #listVolumes}), removes and prunes them, and keeps their notes.
     *
     * @param log where the provider says what it does while one of its calls runs
     * @throws StorageException {@code NOT_SUPPORTED} if the storage keeps no backups of its own kind
     */
    default BackupProvider newBackupProvider(Storage storage, TaskLog log) {
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED,
                "new_backup_provider is not implemented for storage type '"
                        + storage.config().type() + "'");
    }

    private StorageException unsupported(String method) {
        return StorageException.refused(
                StorageError.NOT_SUPPORTED, method + " is not implemented for storage type '" + type() + "'");
    }
}
