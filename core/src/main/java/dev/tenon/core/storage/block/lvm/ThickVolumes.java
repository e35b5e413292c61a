package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.image.Preallocation;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes, activates and grows volumes of a storage of type {@code lvm}. */
final class ThickVolumes {
    private static final Logger LOG = LoggerFactory.getLogger(ThickVolumes.class);

    private final LvmPlugin plugin;
    private final Storage storage;

    ThickVolumes(LvmPlugin plugin, Storage storage) {
        this.plugin = plugin;
        this.storage = storage;
    }

    private String group() {
        return Configuration.group(storage);
    }

    /** The tags of a volume, by which others tell whose it is. */
    static List<String> tags(Vmid owner, VolumeName volume, Format format) {
        return format == Format.Image.QCOW2 ? List.of("pve-vm-" + owner, "pve-" + volume) : List.of("pve-vm-" + owner);
    }

    /** Makes a volume that holds whatever was on the disk, except for its first bytes. */
    void makeRaw(Vmid owner, VolumeName volume, ByteSize size) {
        make(owner, volume, Format.Image.RAW, size);
    }

    /** Makes one with an empty image in it. */
    void makeQcow2(Vmid owner, VolumeName volume, ByteSize size) {
        make(owner, volume, Format.Image.QCOW2, QemuImg.fullSize(size, false));
        fill(volume, device -> QemuImg.create(device, Format.Image.QCOW2, size, preallocation()));
    }

    /** Makes one with an image that is based on another one of the group, which is not opened. */
    void makeOverlay(Vmid owner, VolumeName volume, ByteSize size, String below) {
        make(owner, volume, Format.Image.QCOW2, QemuImg.fullSize(size, true));
        fill(volume, device -> QemuImg.createOverlay(device, below, Format.Image.QCOW2, size, preallocation()));
    }

    private Optional<Preallocation> preallocation() {
        return Preallocation.of(storage, Format.Image.QCOW2);
    }

    private void fill(VolumeName volume, Consumer<Path> image) {
        try {
            // It has been active since it was made.
            image.accept(plugin.device(storage, volume.value()));
        } catch (StorageException e) {
            throw plugin.erasing(storage, volume.value(), e);
        }
    }

    private void make(Vmid owner, VolumeName volume, Format format, ByteSize size) {
        String name = volume.value();
        DeviceNames.refuseTooLong(group(), name);
        List<String> arguments = new ArrayList<>(List.of(
                "-aly",
                "-Wy",
                "--yes",
                "--size",
                VolumeGroupPlugin.kib(size.bytes()),
                "--name",
                name,
                "--setautoactivation",
                "n"));
        tags(owner, volume, format).forEach(tag -> arguments.addAll(List.of("--addtag", tag)));
        arguments.add(group());
        plugin.lvm()
                .change(
                        "lvcreate '" + VolumeGroupPlugin.inGroup(storage, name) + "' error",
                        "lvcreate",
                        arguments,
                        () -> plugin.find(storage, name).isEmpty());
    }

    /** Arguments of LVM's commands that select a volume and, if it is a qcow2 image, all its snapshots. */
    List<String> whole(VolumeName volume) {
        if (plugin.image(volume).format() != Format.Image.QCOW2) {
            return List.of(VolumeGroupPlugin.inGroup(storage, volume.value()));
        }
        String stem = Chain.stem(volume).replace(".", "\\.");
        return List.of(
                "--select",
                "vg_name = \"" + group() + "\" && lv_name =~ \"^(" + stem + "|snap_" + stem + "_.+)\\.qcow2$\"");
    }

    /**
     * Makes the device of a volume, and of its snapshots.
     *
     * @param name the volume that must then exist
     * @throws StorageException {@code NOT_FOUND}
     */
    void activate(VolumeName volume, String name) {
        List<String> whole = whole(volume);
        String what = "LV '" + VolumeGroupPlugin.inGroup(storage, volume.value()) + "'";
        change("can't activate " + what, "-aey", whole, name);
        change("can't refresh " + what + " for activation", "--refresh", whole, name);
        // A selection that selects nothing is a success.
        if (!plugin.isActive(storage, name)) {
            throw VolumeGroupPlugin.missing(storage, name);
        }
    }

    void deactivate(VolumeName volume, String name) {
        if (plugin.isActive(storage, name)) {
            change(
                    "can't deactivate LV '" + VolumeGroupPlugin.inGroup(storage, volume.value()) + "'",
                    "-aln",
                    whole(volume),
                    name);
        }
    }

    /** Does something with a volume that is active meanwhile, and afterwards only if it was before, or somebody uses it. */
    <T> T whileActive(VolumeName volume, String name, Supplier<T> work) {
        boolean wasActive = plugin.isActive(storage, name);
        activate(volume, name);
        try {
            return work.get();
        } finally {
            if (!wasActive) {
                Uninterrupted.run(() -> deactivateUnused(volume, name));
            }
        }
    }

    /** What was done stays done though the volume stays active. */
    private void deactivateUnused(VolumeName volume, String name) {
        try {
            String snapshots = Chain.prefix(volume);
            Optional<LogicalVolume> open = plugin.all(storage).stream()
                    .filter(each -> each.isOpen()
                            && (each.name().equals(volume.value())
                                    || each.name().startsWith(snapshots)))
                    .findFirst();
            if (open.isPresent()) {
                LOG.info(
                        "event=left-active volume={}:{} open={}",
                        storage.id(),
                        name,
                        open.get().name());
            } else {
                deactivate(volume, name);
            }
        } catch (StorageException e) {
            LOG.warn("event=left-active volume={}:{} reason=\"{}\"", storage.id(), name, e.getMessage());
        }
    }

    private void change(String failure, String option, List<String> whole, String name) {
        List<String> arguments = new ArrayList<>(List.of(option));
        arguments.addAll(whole);
        boolean wasActive = plugin.isActive(storage, name);
        plugin.lvm().change(failure, "lvchange", arguments, () -> wasActive == plugin.isActive(storage, name));
    }

    /** Makes a volume larger, or one of its snapshots. */
    void grow(VolumeName volume, String name, ByteSize size, boolean isRunning) {
        if (plugin.image(volume).format() != Format.Image.QCOW2) {
            plugin.locked(storage, () -> plugin.extend(storage, name, size.bytes(), true));
            return;
        }
        whileActive(volume, name, () -> {
            boolean isOverlay = Chain.header(plugin, storage, name).backingFile() != null;
            long before = Chain.header(plugin, storage, name).virtualSize();
            if (size.bytes() < before) {
                throw VolumeGroupPlugin.shrinking(VolumeGroupPlugin.inGroup(storage, name), before, size.bytes());
            }
            plugin.locked(
                    storage,
                    () -> plugin.extend(
                            storage, name, QemuImg.fullSize(size, isOverlay).bytes(), false));
            if (!isRunning && size.bytes() > before) {
                QemuImg.resize(plugin.device(storage, name), Format.Image.QCOW2, size, preallocation());
            }
            return true;
        });
    }
}
