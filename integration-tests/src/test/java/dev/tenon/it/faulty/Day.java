package dev.tenon.it.faulty;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What users ask of a storage in a day, to be recorded. */
final class Day {
    private static final String MANIFEST = """
            <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
              <VirtualSystem ovf:id="the id"><Info>A machine</Info><Name>a machine</Name></VirtualSystem>
            </Envelope>
            """;

    private Day() {}

    /** Volumes of all kinds, which only the plugin can remove. */
    static void fill(StoragePlugin plugin, Storage storage) throws IOException {
        plugin.activateStorage(storage, OperationCache.create());
        plugin.allocImage(storage, new Vmid(100), Format.Image.RAW, null, ByteSize.ofKib(1024));
        VolumeName image = plugin.allocImage(storage, new Vmid(100), Format.Image.QCOW2, null, ByteSize.ofKib(2048));
        plugin.snapshotVolume(storage, image, new SnapshotName("one"));
        VolumeName other = plugin.allocImage(storage, new Vmid(101), Format.Image.QCOW2, null, ByteSize.ofKib(64));
        plugin.cloneImage(storage, plugin.createBase(storage, other), new Vmid(102), null);
        Path path = Path.of(storage.config().text("path").orElseThrow());
        Files.writeString(path.resolve("template/iso/tools.iso"), "not much");
        Files.writeString(path.resolve("import/machine.ovf"), MANIFEST);
        Files.writeString(path.resolve("dump/vzdump-qemu-100-2024_02_29-10_11_12.vma"), "no archive");
        Files.writeString(path.resolve("dump/vzdump-qemu-100-2024_02_29-10_11_12.vma.notes"), "before");
    }

    /** All changes that a storage of images takes, and looks at what came of them. */
    static void use(StoragePlugin plugin, Storage storage) {
        plugin.activateStorage(storage, OperationCache.create());
        for (Format.Image format : List.of(Format.Image.RAW, Format.Image.QCOW2)) {
            VolumeName first = plugin.allocImage(storage, new Vmid(100), format, null, ByteSize.ofKib(192));
            VolumeName second = plugin.allocImage(storage, new Vmid(101), format, null, ByteSize.ofKib(320));
            look(plugin, storage);
            for (int i = 1; i <= 5; i++) {
                long size = 512L * i;
                tried(() -> plugin.resizeVolume(storage, second, ByteSize.ofKib(size), false, null));
                SnapshotName snapshot = new SnapshotName("s" + i);
                tried(() -> plugin.snapshotVolume(storage, second, snapshot));
                tried(() -> plugin.snapshotVolume(storage, second, snapshot));
                look(plugin, storage);
            }
            tried(() -> plugin.rollback(storage, second, new SnapshotName("s5")));
            tried(() -> plugin.resizeVolume(storage, second, ByteSize.ofKib(8192), false, null));
            look(plugin, storage);
            for (String name : List.of("s5", "s4", "s3", "s2", "s1", "s9")) {
                tried(() -> plugin.rollback(storage, second, new SnapshotName(name)));
                look(plugin, storage);
                tried(() -> plugin.deleteSnapshot(storage, second, new SnapshotName(name), false));
                look(plugin, storage);
            }
            VolumeName missing = new VolumeName("100/vm-100-disk-9." + format.word());
            for (int i = 0; i < 5; i++) {
                tried(() -> plugin.renameVolume(storage, missing, new Vmid(102), null));
                tried(() -> plugin.cloneImage(storage, first, new Vmid(103), null));
                tried(() -> plugin.updateAttribute(storage, first, VolumeAttribute.NOTES, "a note"));
            }
            tried(() -> plugin.renameVolume(storage, first, new Vmid(102), null));
            look(plugin, storage);
            plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                    .map(volume -> volume.volid().volume())
                    .filter(name -> name.value().startsWith("101/"))
                    .forEach(name -> tried(() -> {
                        VolumeName base = plugin.createBase(storage, name);
                        look(plugin, storage);
                        tried(() -> plugin.createBase(storage, base));
                        for (int i = 0; i < 3; i++) {
                            tried(() -> plugin.cloneImage(storage, base, new Vmid(103), null));
                        }
                        look(plugin, storage);
                        tried(() -> plugin.freeImage(storage, base, true, null).ifPresent(Cleanup::run));
                    }));
            for (VolumeInfo volume : plugin.listImages(storage, ImageFilter.all(), OperationCache.create())) {
                VolumeName name = volume.volid().volume();
                tried(() -> plugin.freeImage(storage, name, name.value().contains("/base-"), null)
                        .ifPresent(Cleanup::run));
                look(plugin, storage);
            }
        }
    }

    private static void look(StoragePlugin plugin, Storage storage) {
        for (VolumeInfo volume : plugin.listImages(storage, ImageFilter.all(), OperationCache.create())) {
            VolumeName name = volume.volid().volume();
            tried(() -> plugin.volumeSizeInfo(storage, name, null));
            tried(() -> plugin.snapshots(storage, name));
        }
    }

    private static void tried(Runnable call) {
        try {
            call.run();
        } catch (StorageException e) {
            // it is recorded
        }
    }
}
