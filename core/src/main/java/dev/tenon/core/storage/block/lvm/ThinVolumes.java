package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.SnapshotNames;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes, activates and copies volumes of a thin pool. */
final class ThinVolumes {
    private static final Logger LOG = LoggerFactory.getLogger(ThinVolumes.class);

    private static final String PREFIX = "snap_";

    /** What PVE takes for the name of a snapshot. */
    private static final Pattern SNAPSHOT = Pattern.compile("(?i)[a-z][a-z0-9_\\-]+");

    private final LvmThinPlugin plugin;
    private final Storage storage;

    ThinVolumes(LvmThinPlugin plugin, Storage storage) {
        this.plugin = plugin;
        this.storage = storage;
    }

    /** The volume that a snapshot is. */
    static String name(VolumeName volume, SnapshotName snapshot) {
        return PREFIX + volume + "_" + snapshot;
    }

    /** The snapshots of a volume by name, with the volumes that they are. */
    static Map<String, String> snapshots(List<LogicalVolume> all, VolumeName volume) {
        String prefix = PREFIX + volume + "_";
        Map<String, String> snapshots = new TreeMap<>();
        for (LogicalVolume each : all) {
            String name = each.name();
            if (name.startsWith(prefix)
                    && SNAPSHOT.matcher(name.substring(prefix.length())).matches()) {
                snapshots.put(name.substring(prefix.length()), name);
            }
        }
        return snapshots;
    }

    private String place(String name) {
        return VolumeGroupPlugin.inGroup(storage, name);
    }

    /** LVM makes snapshots of any name, and then no device can have it. */
    private void refuseTooLong(String name) {
        DeviceNames.refuseTooLong(Configuration.group(storage), name);
    }

    /** The same failure, or that the pool is full if it is. */
    StorageException fullness(StorageException failure) {
        try {
            return LvmThinPlugin.pool(storage, plugin.all(storage))
                    .filter(LogicalVolume::isFull)
                    .map(pool -> new StorageException(
                            StorageError.NO_SPACE,
                            failure.outcome(),
                            failure.getMessage() + "; thin pool '" + place(pool.name()) + "' is full",
                            failure))
                    .orElse(failure);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return failure;
        }
    }

    void make(VolumeName volume, ByteSize size) {
        String name = volume.value();
        refuseTooLong(name);
        plugin.lvm()
                .change(
                        "lvcreate '" + place(name) + "' error",
                        "lvcreate",
                        List.of(
                                "-aly",
                                "-V",
                                VolumeGroupPlugin.kib(size.bytes()),
                                "--name",
                                name,
                                "--thinpool",
                                place(Configuration.pool(storage))),
                        () -> plugin.find(storage, name).isEmpty());
        leaveInactiveAtBoot(name);
    }

    private void leaveInactiveAtBoot(String name) {
        warned(name, "could not set autoactivation", List.of("--setautoactivation", "n", place(name)));
    }

    private void warned(String name, String failure, List<String> arguments) {
        try {
            plugin.lvm().change(failure, "lvchange", arguments);
        } catch (StorageException e) {
            LOG.warn("event=property-unset volume={}:{} reason=\"{}\"", storage.id(), name, e.getMessage());
        }
    }

    /** Makes the device of a volume that has none. */
    void activate(String name) {
        if (!plugin.isActive(storage, name)) {
            activateAnyway(name);
        }
    }

    /** Snapshots and base images are skipped unless it is said that they are meant. */
    void activateAnyway(String name) {
        plugin.lvm()
                .change(
                        "activating LV '" + place(name) + "' failed",
                        "lvchange",
                        List.of("-ay", "-K", place(name)),
                        () -> !plugin.isActive(storage, name));
    }

    void deactivate(String name) {
        plugin.lvm()
                .change(
                        "deactivate_volume '" + place(name) + "' error",
                        "lvchange",
                        List.of("-an", place(name)),
                        () -> plugin.isActive(storage, name));
    }

    /** Makes a copy of an existing volume, under a name that is free. */
    void copy(String source, VolumeName clone) {
        String name = clone.value();
        refuseTooLong(name);
        plugin.lvm()
                .change(
                        "clone image '" + place(source) + "' error",
                        "lvcreate",
                        List.of("-n", name, "-prw", "-kn", "-s", place(source)),
                        () -> plugin.find(storage, name).isEmpty());
        leaveInactiveAtBoot(name);
    }

    private List<String> protecting(String base) {
        return List.of("-pr", "-ky", place(base));
    }

    /** Makes sure that nobody writes to a base image. */
    void protect(String base) {
        plugin.lvm().change("could not protect '" + place(base) + "'", "lvchange", protecting(base));
    }

    VolumeName createBase(VolumeName volume) {
        String name = volume.value();
        List<LogicalVolume> all = plugin.all(storage);
        VolumeGroupPlugin.present(storage, all, name);
        Map<String, String> snapshots = snapshots(all, volume);
        if (!snapshots.isEmpty()) {
            throw StorageException.refused(
                    StorageError.IN_USE,
                    "unable to create base volume of '" + storage.id() + ":" + volume + "' - found snapshots "
                            + String.join(", ", snapshots.keySet()));
        }
        String base = name.replaceFirst("^vm-", "base-");
        VolumeGroupPlugin.refuseTaken(storage, all, base);
        plugin.rename(storage, name, base);
        warned(base, "could not protect '" + place(base) + "'", protecting(base));
        // Both at once make LVM warn.
        warned(base, "could not deactivate '" + place(base) + "'", List.of("-an", place(base)));
        return new VolumeName(base);
    }

    void snapshot(VolumeName volume, SnapshotName snapshot) {
        SnapshotNames.refuseUnfit(snapshot);
        String name = name(volume, snapshot);
        if (!SNAPSHOT.matcher(snapshot.value()).matches()) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "no snapshot can be called '" + snapshot
                            + "': letters, digits, _ and - are possible, a letter first");
        }
        refuseTooLong(name);
        List<LogicalVolume> all = plugin.all(storage);
        VolumeGroupPlugin.present(storage, all, volume.value());
        VolumeGroupPlugin.refuseTaken(storage, all, name);
        plugin.lvm()
                .change(
                        "lvcreate snapshot '" + place(name) + "' error",
                        "lvcreate",
                        List.of("-n", name, "-pr", "-s", place(volume.value())),
                        () -> plugin.find(storage, name).isEmpty());
    }

    /**
     * Replaces a volume with a copy of a snapshot. Until that is done, the volume is kept under another name: removing it
     * first would lose it if no copy can be made.
     */
    void rollback(VolumeName volume, SnapshotName snapshot) {
        String name = volume.value();
        String source = name(volume, snapshot);
        List<LogicalVolume> all = plugin.all(storage);
        VolumeGroupPlugin.present(storage, all, source);
        LogicalVolume before = VolumeGroupPlugin.present(storage, all, name);
        if (before.isOpen()) {
            throw StorageException.refused(
                    StorageError.IN_USE,
                    "volume '" + storage.id() + ":" + volume + "' cannot be rolled back: its device is open");
        }
        String old = Wiping.WAITING + name;
        VolumeGroupPlugin.refuseTaken(storage, all, old);
        plugin.rename(storage, name, old);
        try {
            plugin.lvm()
                    .change(
                            "lvm rollback '" + place(source) + "' error",
                            "lvcreate",
                            List.of("-kn", "-n", name, "-s", place(source)),
                            () -> plugin.find(storage, name).isEmpty());
        } catch (StorageException e) {
            throw undone(old, name, e);
        }
        leaveInactiveAtBoot(name);
        plugin.erase(storage, old);
    }

    /** Unless the copy was made after all, the volume gets its name back. */
    private StorageException undone(String old, String name, StorageException failure) {
        String left = "; volume '" + place(name) + "' as it was before is now called '" + old + "'";
        try {
            boolean isBack = Uninterrupted.call(() -> {
                if (failure.outcome() != Outcome.FAILED_CLEAN
                        && plugin.find(storage, name).isPresent()) {
                    return false;
                }
                plugin.rename(storage, old, name);
                return true;
            });
            return isBack
                    ? new StorageException(failure.error(), Outcome.FAILED_CLEAN, failure.getMessage(), failure)
                    : new StorageException(failure.error(), Outcome.UNKNOWN, failure.getMessage() + left, failure);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return new StorageException(failure.error(), Outcome.UNKNOWN, failure.getMessage() + left, failure);
        }
    }
}
