package dev.tenon.libvirt;

import dev.tenon.core.service.StorageService;
import dev.tenon.core.service.StorageSummary;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The storages of a node through the calls that Richard Jones proposed for libvirt in October 2007, under their own names
 * ("Proposal for the storage API"). libvirt took another way, pools and volumes: {@link PoolXml} and {@link VolumeXml}.
 *
 * <p>Storages that are directories answer the calls for files; all others are groups. Where the proposal returns 0, 1 and
 * -1 or NULL, there is a value, an empty answer, or a {@link StorageException} with the reason and the outcome. Sizes are
 * in kilobytes of 1,024 bytes where the proposal has kilobytes. Every path is found without following a symbolic link, and
 * what is made is made in the directory that was looked at, even if its path leads elsewhere by then.
 */
public final class VirConnect {
    /** Flag of {@link #virStorageCreateFile}: the file's space is not reserved. */
    public static final int VIR_STORAGE_SPARSE_FILE = 1;

    private static final Logger LOG = LoggerFactory.getLogger(VirConnect.class);
    private static final Set<ContentType> GUESTS = Set.of(ContentType.IMAGES, ContentType.ROOTDIR);

    private final StorageService storages;
    private final @Nullable FileLocations named;

    /** With the image directories of the storages as locations of files. */
    public VirConnect(StorageService storages) {
        this.storages = storages;
        this.named = null;
    }

    /**
     * With the locations that an administrator names, as in the proposal's {@code file_locations} of {@code
     * libvirt.conf}.
     *
     * @param fileLocations absolute patterns for {@code fnmatch} with {@code FNM_PATHNAME}
     * @throws StorageException {@code BAD_PARAMETER} for one that is not absolute
     */
    public VirConnect(StorageService storages, List<String> fileLocations) {
        this.storages = storages;
        this.named = FileLocations.of(fileLocations);
    }

    private FileLocations locations() {
        return named != null ? named : FileLocations.of(storages);
    }

    /**
     * The patterns of the paths that files of guests may have. A path is checked against them with {@code fnmatch} and
     * {@code FNM_PATHNAME}: no wildcard matches a slash. A pattern can name files and not only directories.
     *
     * @throws StorageException if the configuration cannot be read
     */
    public List<String> virStorageFileLocations() {
        return locations().all().stream()
                .map(location -> location.pattern().text())
                .toList();
    }

    /**
     * Nothing: in Java there is nothing to free. It is here so that a port of C code keeps its calls.
     *
     * @throws StorageException {@code BAD_PARAMETER} for null, as in the proposal
     */
    public void virStorageFileLocationsFree(@Nullable List<String> names) {
        refuseNull(names, "names");
    }

    private static void refuseNull(@Nullable Object given, String parameter) {
        if (given == null) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "parameter '" + parameter + "' is null; give what the call returned");
        }
    }

    /**
     * What is at a path: a file or directory of a location, or a volume of a group.
     *
     * @return empty if there is nothing, for which the proposal returns 1
     * @throws StorageException {@code BAD_PARAMETER} if the path is not absolute and plain; {@code PERMISSION_DENIED} if
     *     it is in no location and no volume's of a group that can be reached, or leads through a symbolic link; {@code UNSAFE_IMAGE} if there is a
     *     device, pipe or socket in a location
     */
    public Optional<VirStorageStat> virStorageFileStat(String path) {
        Path checked = FileLocations.checked(path);
        FileLocations locations = locations();
        if (locations.of(checked).isPresent()) {
            return FileCalls.stat(checked);
        }
        if (volumeAt(checked).isPresent()) {
            return FileCalls.statOfVolume(checked);
        }
        throw locations.refusal(checked);
    }

    private Optional<VolumeId> volumeAt(Path path) {
        return groups().stream()
                .flatMap(group -> volumes(group).stream())
                .filter(volume -> path.toString().equals(path(volume)))
                .findFirst();
    }

    /** Null if it cannot be told; what is asked may be about another volume. */
    private @Nullable String path(VolumeId volume) {
        try {
            return storages.path(volume, null).path();
        } catch (StorageException e) {
            LOG.warn("the path of volume '{}' is not known: {}", volume, e.getMessage());
            return null;
        }
    }

    private List<VolumeId> volumes(StorageId group) {
        try {
            return storages.listImages(group, ImageFilter.all(), null).values().stream()
                    .flatMap(List::stream)
                    .map(VolumeInfo::volid)
                    .toList();
        } catch (StorageException e) {
            LOG.warn("the volumes of storage '{}' cannot be listed: {}", group, e.getMessage());
            return List.of();
        }
    }

    /**
     * The room in the file system that holds a path. For a file that is yet to be made it is asked of the directory.
     *
     * @param path a file of a location, or a directory above one
     * @throws StorageException {@code NOT_FOUND} if there is nothing; otherwise as {@link #virStorageFileStat}
     */
    public VirStorageStatVfs virStorageFileStatVFS(String path) {
        Path checked = FileLocations.checked(path);
        FileLocations locations = locations();
        if (!locations.reach(checked)) {
            throw locations.refusal(checked);
        }
        return FileCalls.statVfs(checked);
    }

    /**
     * Makes an empty file for a guest's disk, with mode 0600. It may take long; there is no progress. A directory of a
     * guest that is missing is made.
     *
     * @param path in a location; in one of a storage, the name must be one of a raw image of the directory's guest, which
     *     the storage keeps in exactly this file
     * @param size kilobytes
     * @param flags 0, which reserves the space, or {@link #VIR_STORAGE_SPARSE_FILE}
     * @throws StorageException {@code BAD_PARAMETER}, {@code PERMISSION_DENIED} as {@link #virStorageFileStat}; {@code
     *     INVALID_NAME} for another name; {@code NOT_SUPPORTED} if the storage keeps its images otherwise; {@code
     *     ALREADY_EXISTS}; {@code NOT_FOUND} if the directory is missing; {@code NO_SPACE} if there is no room for the whole
     *     size, also of a sparse file. Unless the outcome is {@code UNKNOWN}, nothing is left
     */
    public void virStorageCreateFile(String path, long size, int flags) {
        if ((flags & ~VIR_STORAGE_SPARSE_FILE) != 0) {
            throw badFlags(flags, "0 and 1 (VIR_STORAGE_SPARSE_FILE)");
        }
        Path checked = FileLocations.checked(path);
        ByteSize bytes = ByteSize.ofKib(size);
        FileLocations locations = locations();
        FileLocations.Location location = locations.of(checked).orElseThrow(() -> locations.refusal(checked));
        if (location.storage() != null) {
            GuestNames.refuseUnlisted(storages, location.storage(), checked);
        }
        FileCalls.create(checked, bytes.bytes(), (flags & VIR_STORAGE_SPARSE_FILE) != 0, location.isDirectoryOpen());
    }

    private static StorageException badFlags(int flags, String known) {
        return StorageException.refused(
                StorageError.BAD_PARAMETER, "flags are " + flags + ", and there are only " + known);
    }

    private List<StorageId> groups() {
        return storages.enabled(Set.of(ContentType.values())).stream()
                .filter(storage ->
                        storages.directory(storage, ContentType.IMAGES).isEmpty())
                .toList();
    }

    /**
     * The storages whose volumes are devices. One that cannot be reached is left out, with a warning in the log.
     *
     * @throws StorageException if the configuration cannot be read
     */
    public List<VirStorageGroup> virStorageListGroups() {
        return storages.statusOf(groups(), StorageService.STATUS_LIMIT).stream()
                .map(VirConnect::group)
                .flatMap(Optional::stream)
                .toList();
    }

    private static Optional<VirStorageGroup> group(StorageSummary summary) {
        if (summary.status() instanceof StorageStatus.Active(ByteSize total, ByteSize available, ByteSize ignored)) {
            boolean isReadOnly = summary.content().stream().noneMatch(GUESTS::contains);
            return Optional.of(new VirStorageGroup(
                    summary.id().toString(), isReadOnly, total.bytes() / 1024, available.bytes() / 1024));
        }
        LOG.warn(
                "storage '{}' is no group now: {}",
                summary.id(),
                Objects.requireNonNullElse(summary.problem(), "it is not active"));
        return Optional.empty();
    }

    /**
     * Nothing: in Java there is nothing to free. It is here so that a port of C code keeps its calls.
     *
     * @throws StorageException {@code BAD_PARAMETER} for null, as in the proposal
     */
    public void virStorageListGroupsFree(@Nullable List<VirStorageGroup> groups) {
        refuseNull(groups, "groups");
    }

    /**
     * Makes a volume, and makes it usable on this node.
     *
     * @param name as PVE names images, for instance {@code vm-100-disk-0}; it says the guest
     * @param group the storage's id
     * @param size kilobytes, 1 or more; the storage may round it up
     * @param flags 0
     * @return the path of its device
     * @throws StorageException {@code BAD_PARAMETER}; {@code INVALID_NAME} if the name says no guest or is none of the
     *     storage's; {@code NOT_SUPPORTED} if the storage is no group; what the storage throws. With {@code UNKNOWN} the
     *     volume may be there, and the message names it
     */
    public String virStorageCreateVolume(String name, String group, long size, int flags) {
        if (flags != 0) {
            throw badFlags(flags, "0");
        }
        StorageId storage = new StorageId(group);
        if (storages.directory(storage, ContentType.IMAGES).isPresent()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "storage '" + group + "' is no group: its volumes are files; make one with virStorageCreateFile");
        }
        if (size < 1) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "size " + size + " KiB is no size of a volume; give 1 or more");
        }
        VolumeId volume =
                storages.allocImage(storage, GuestNames.owner(name), Format.Image.RAW, name, ByteSize.ofKib(size));
        try {
            storages.activateVolumes(List.of(volume), null, Hints.NONE);
            return storages.path(volume, null).path();
        } catch (StorageException e) {
            throw GuestNames.removed(storages, volume, e);
        }
    }
}
