package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.storage.common.DeclaredDevicePlugin;
import dev.tenon.core.storage.common.DiskNames;
import dev.tenon.core.storage.common.FormatNames;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The common part of both types: volumes of one group, named by LVM, with devices in a directory of the group's name. */
abstract class VolumeGroupPlugin extends DeclaredDevicePlugin {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeGroupPlugin.class);

    private final Lvm lvm;

    VolumeGroupPlugin(LvmHost host, Declaration declaration, FormatNames names) {
        super(declaration, names);
        this.lvm = Lvm.of(host);
    }

    Lvm lvm() {
        return lvm;
    }

    // ---- the type

    @Override
    public Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
        Map<String, Object> checked = super.checkConfig(storage, properties, isNew);
        Configuration.check(storage, checked);
        return checked;
    }

    // ---- names

    /** The image that a name of this type is; fails as {@link #parseVolname} does. */
    ParsedVolume.GuestImage image(VolumeName volume) {
        if (parseVolname(volume) instanceof ParsedVolume.GuestImage image) {
            return image;
        }
        throw new IllegalStateException("volume '" + volume + "' is no image");
    }

    /** The guest whose name a volume has. */
    Vmid owner(VolumeName volume) {
        return ownerOf(image(volume));
    }

    /** The volumes of the storage's group; {@code STORAGE_UNAVAILABLE} if there is no such group. */
    List<LogicalVolume> all(Storage storage) {
        return lvm.volumesOf(Configuration.group(storage));
    }

    /** Every volume of the group reserves its number, whatever it is: a snapshot's name holds its volume's. */
    static String freeName(Storage storage, List<LogicalVolume> all, Vmid owner, Format format, boolean addSuffix) {
        List<String> taken = all.stream().map(LogicalVolume::name).toList();
        return DiskNames.free(storage, taken, owner, format, addSuffix, false);
    }

    /** A new volume's name, which none of these has: the wanted one, or one that is free. */
    VolumeName newName(Storage storage, List<LogicalVolume> all, Vmid owner, Format format, @Nullable String name) {
        VolumeName volume = new VolumeName(
                name == null
                        ? freeName(storage, all, owner, format, format == Format.Image.QCOW2)
                        : nameForFormat(new VolumeName(name).value(), format, false));
        image(volume);
        refuseTaken(storage, all, volume.value());
        return volume;
    }

    // ---- devices

    /** Where a volume of the storage's group is while it is active. */
    Path device(Storage storage, String name) {
        return lvm.host().devices().resolve(Configuration.group(storage)).resolve(name);
    }

    /** Whether there is a device of a volume, so that it is active. */
    boolean isActive(Storage storage, String name) {
        try {
            return FileStatus.of(device(storage, name)).isBlockDevice();
        } catch (IOException e) {
            return false;
        }
    }

    /** The logical volume that is a volume as it is now, or its snapshot. */
    abstract String logical(VolumeName volume, @Nullable SnapshotName snapshot);

    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        String logical = logical(volume, snapshot);
        return new VolumePath(device(storage, logical).toString(), owner(volume), ContentType.IMAGES);
    }

    /** It need not exist or be active: QEMU opens it later. */
    @Override
    public Map<String, Object> blockdevOptions(Storage storage, VolumeName volume, BlockdevQuery query) {
        return Map.of(
                "driver",
                "host_device",
                "filename",
                path(storage, volume, query.snapshot()).path());
    }

    static String inGroup(Storage storage, String name) {
        return Configuration.group(storage) + "/" + name;
    }

    // ---- the storage

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        String group = Configuration.group(storage);
        if (lvm.groups(cache).stream().anyMatch(each -> each.name().equals(group))) {
            return;
        }
        try {
            // Disks may have appeared that LVM does not know of.
            lvm.change("vgscan error", "vgscan", List.of("--ignorelockingfailure", "--mknodes"));
        } catch (StorageException e) {
            LOG.warn("event=vgscan-failed storage={} reason=\"{}\"", storage.id(), e.getMessage());
        }
        if (lvm.group(group).isEmpty()) {
            throw noGroup(storage);
        }
    }

    static StorageException noGroup(Storage storage) {
        return StorageException.refused(
                StorageError.STORAGE_UNAVAILABLE,
                "no such volume group " + Quoted.of(Configuration.group(storage)) + " for storage '" + storage.id()
                        + "'");
    }

    @Override
    protected <T> T locked(Storage storage, Supplier<T> work) {
        return lvm.host()
                .locks()
                .storage(storage.id(), Configuration.isShared(storage))
                .hold(null, work);
    }

    void locked(Storage storage, Runnable work) {
        locked(storage, () -> {
            work.run();
            return true;
        });
    }

    // ---- volumes

    /** The group of a storage, and {@code STORAGE_UNAVAILABLE} if it is not there. */
    VolumeGroup group(Storage storage) {
        return lvm.group(Configuration.group(storage)).orElseThrow(() -> noGroup(storage));
    }

    static Optional<LogicalVolume> named(List<LogicalVolume> all, String name) {
        return all.stream().filter(volume -> volume.name().equals(name)).findFirst();
    }

    /** A volume of the storage's group by its name there, empty if there is none. */
    Optional<LogicalVolume> find(Storage storage, String name) {
        return named(all(storage), name);
    }

    /** The one of this name, which must be among these. */
    static LogicalVolume present(Storage storage, List<LogicalVolume> all, String name) {
        return named(all, name).orElseThrow(() -> missing(storage, name));
    }

    /** A volume that must be there. */
    LogicalVolume present(Storage storage, String name) {
        return find(storage, name).orElseThrow(() -> missing(storage, name));
    }

    static StorageException missing(Storage storage, String name) {
        return StorageException.refused(
                StorageError.NOT_FOUND,
                "no such logical volume '" + inGroup(storage, name) + "' in storage '" + storage.id() + "'");
    }

    /** Refuses a name that a volume of the group has already. */
    static void refuseTaken(Storage storage, List<LogicalVolume> all, String name) {
        if (named(all, name).isPresent()) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "target volume " + Quoted.of(name) + " already exists in volume group '"
                            + Configuration.group(storage) + "'");
        }
    }

    /** Renames a volume of LVM. */
    void rename(Storage storage, String from, String to) {
        DeviceNames.refuseTooLong(Configuration.group(storage), to);
        lvm.change(
                "lvrename '" + inGroup(storage, from) + "' to '" + inGroup(storage, to) + "' error",
                "lvrename",
                List.of(Configuration.group(storage), from, to),
                () -> find(storage, from).isPresent());
    }

    /**
     * Removes the device of a volume that is to go. LVM tries for some seconds, since udev may be looking at it.
     *
     * @throws StorageException {@code IN_USE}, {@code NOT_STARTED} if something has it open
     */
    void close(Storage storage, String name) {
        String place = inGroup(storage, name);
        try {
            lvm.change(
                    "can't deactivate LV '" + place + "'",
                    "lvchange",
                    List.of("-an", place),
                    () -> isActive(storage, name));
        } catch (StorageException e) {
            throw e.error() == StorageError.IN_USE
                    ? new StorageException(
                            StorageError.IN_USE,
                            Outcome.NOT_STARTED,
                            "volume '" + place + "' is in use, something has its device open: " + e.getMessage(),
                            e)
                    : e;
        }
    }

    /** Removes a volume of LVM, whatever it holds. */
    void erase(Storage storage, String name) {
        String place = inGroup(storage, name);
        lvm.change(
                "lvremove '" + place + "' error",
                "lvremove",
                List.of("-f", place),
                () -> find(storage, name).isPresent());
    }

    /** Removes a volume that another failure has left; the failure keeps its message. */
    StorageException erasing(Storage storage, String name, StorageException failure) {
        try {
            Uninterrupted.run(() -> erase(storage, name));
            return new StorageException(failure.error(), Outcome.FAILED_CLEAN, failure.getMessage(), failure);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return new StorageException(
                    failure.error(),
                    Outcome.UNKNOWN,
                    failure.getMessage() + "; volume '" + inGroup(storage, name) + "' is left, remove it",
                    failure);
        }
    }

    /**
     * Makes a volume of LVM larger.
     *
     * @param bytes rounded up to extents; nothing is done if it has so many already
     * @param isGrowing whether it is refused if it has more
     */
    void extend(Storage storage, String name, long bytes, boolean isGrowing) {
        LogicalVolume volume = present(storage, name);
        long wanted = group(storage).rounded(bytes);
        if (wanted == volume.size() || (wanted < volume.size() && !isGrowing)) {
            return;
        }
        if (wanted < volume.size()) {
            throw shrinking(inGroup(storage, name), volume.size(), bytes);
        }
        Path device = device(storage, name);
        lvm.change(
                "error resizing volume '" + device + "'",
                "lvextend",
                List.of("-L", kib(bytes), inGroup(storage, name)),
                () -> present(storage, name).size() == volume.size());
    }

    static StorageException shrinking(String place, long from, long to) {
        return StorageException.refused(
                StorageError.BAD_PARAMETER,
                "unable to shrink volume '" + place + "' from " + from + " to " + to
                        + " bytes: what is at its end would be lost");
    }

    /** A size as LVM's commands take it. */
    static String kib(long bytes) {
        return ByteSize.ofBytes(bytes).kibRoundedUp() + "k";
    }

    @Override
    public VolumeId renameVolume(Storage storage, VolumeName volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        Format format = image(volume).format();
        Vmid target = owner == null ? (name == null ? owner(volume) : owner(name)) : owner;
        String from = volume.value();
        refuseUnrenamable(storage, volume);
        List<LogicalVolume> all = all(storage);
        present(storage, all, from);
        VolumeName to = newName(storage, all, target, format, name == null ? null : name.value());
        rename(storage, from, to.value());
        renamed(storage, volume, to, target);
        return new VolumeId(storage.id(), to);
    }

    /** Refuses a volume that others know by its name. */
    void refuseUnrenamable(Storage storage, VolumeName volume) {}

    /** The volume already has its new name, so failing to change its tags is only logged. */
    private void renamed(Storage storage, VolumeName from, VolumeName to, Vmid owner) {
        Format format = image(from).format();
        List<String> before = ThickVolumes.tags(owner(from), from, format);
        List<String> after = ThickVolumes.tags(owner, to, format);
        List<String> arguments = new ArrayList<>();
        for (int i = 0; i < before.size(); i++) {
            if (!before.get(i).equals(after.get(i))) {
                arguments.addAll(List.of("--addtag", after.get(i), "--deltag", before.get(i)));
            }
        }
        if (arguments.isEmpty()) {
            return;
        }
        arguments.add(inGroup(storage, to.value()));
        try {
            lvm.change("unable to update tags for '" + to + "'", "lvchange", arguments);
        } catch (StorageException e) {
            LOG.warn("event=tags-left volume={}:{} reason=\"{}\"", storage.id(), to, e.getMessage());
        }
    }
}
