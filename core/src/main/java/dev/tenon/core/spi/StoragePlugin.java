package dev.tenon.core.spi;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A storage type: everything PVE's storage layer asks of a plugin, typed and without versions. A storage written in Java
 * implements it; a Perl plugin in its sidecar is one; whatever wraps, serves, compares or tests storages takes one.
 *
 * <p>An implementation serves any number of storages of its type and gets the one that is meant with every call. Calls
 * come from many threads at once. A call that fails throws {@link StorageException}, whose outcome tells whether it may
 * be repeated; after {@code UNKNOWN} the caller looks ({@link #listImages}) before it does.
 *
 * <p>Nothing is locked or activated by a call itself: the host does both around it, as PVE does.
 */
public interface StoragePlugin {
    /** The storage type as it stands in {@code storage.cfg}, lower case. */
    String type();

    PluginData pluginData();

    /** The configuration properties that this plugin declares, by name. */
    Map<String, PropertySchema> properties();

    /** The properties that a storage of this type may or must have, by name. */
    Map<String, PropertyOption> options();

    /**
     * What a volume name says. Pure: it touches no storage and works for volumes that do not exist.
     *
     * @throws StorageException {@code INVALID_NAME} if the name is none of this plugin's
     */
    ParsedVolume parseVolname(VolumeName volume);

    /**
     * Where the volume, or its snapshot, is for QEMU. Makes no promise that it exists or is active.
     *
     * @param snapshot null for the volume as it is now
     * @throws StorageException {@code INVALID_NAME}; {@code NOT_SUPPORTED} if its snapshots have no path
     */
    VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot);

    /**
     * Where the volume, or its snapshot, is in the file system; for storages that are directories.
     *
     * @param snapshot null for the volume as it is now
     * @throws StorageException {@code INVALID_NAME}; {@code NOT_SUPPORTED} if its snapshots have no path
     */
    VolumePath filesystemPath(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot);

    /**
     * The directory that holds a kind of content, absolute; for storages that are directories.
     *
     * @throws StorageException {@code BAD_CONFIG} if the storage has no path; {@code BAD_PARAMETER} if the type has no
     *     directory
     */
    String getSubdir(Storage storage, ContentType type);

    /**
     * The guest images of the storage, in no particular order.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if it cannot be read
     */
    List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache);

    /**
     * Size, format and use of a volume.
     *
     * @param timeout how long to wait for the storage, null for the plugin's own limit
     * @throws StorageException {@code NOT_FOUND}; {@code UNSAFE_IMAGE} if the image names files outside the storage
     */
    SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout);

    StorageStatus status(Storage storage, OperationCache cache);

    /**
     * Makes the storage usable on this node. May be called when it already is.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE} or {@code BAD_CONFIG}, with the reason
     */
    void activateStorage(Storage storage, OperationCache cache);

    void deactivateStorage(Storage storage, OperationCache cache);

    /**
     * Makes the volume usable on this node. May be called when it already is.
     *
     * @param snapshot null for the volume as it is now
     * @throws StorageException {@code NOT_FOUND}; {@code UNSAFE_IMAGE}
     */
    void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints);

    void deactivateVolume(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache);

    /**
     * The next free name for a new image of the guest, without the part that says where it lies.
     *
     * @param format null for the plugin's default
     * @param addSuffix whether the format is to be part of the name
     * @throws StorageException {@code NO_SPACE} if the guest has used up its names
     */
    String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix);

    /**
     * Allocates a new image. The caller holds the storage's lock. If it fails with {@code FAILED_CLEAN}, nothing is left.
     *
     * @param name the wanted name, null to let the plugin choose
     * @param size virtual size; plugins count it in KiB, so it is rounded up to 1024 bytes
     * @return the new volume's name
     * @throws StorageException {@code ALREADY_EXISTS}, {@code INVALID_NAME}, {@code NOT_SUPPORTED}, {@code NO_SPACE},
     *     {@code COMMAND_FAILED}
     */
    VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size);

    /**
     * Removes a volume. The caller holds the storage's lock and has checked that no clone depends on it. Removing what
     * is not there succeeds.
     *
     * @param isBase whether the host knows it to be a base image
     * @param format null if the host does not know it
     * @throws StorageException {@code INVALID_NAME}, {@code PERMISSION_DENIED}, {@code IN_USE}
     */
    void freeImage(Storage storage, VolumeName volume, boolean isBase, @Nullable Format format);
}
