package dev.tenon.it.storpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorpoolLab;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The emulator is one that StorPool's own plugin, unmodified, works with, and Tenon's does the same with it, down to the
 * names.
 */
class StorpoolBasicsTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final ByteSize SIZE = ByteSize.ofKib(1024);

    private static StorageStatus.Active status(StoragePlugin plugin, Storage storage) {
        return (StorageStatus.Active) plugin.status(storage, OperationCache.create());
    }

    private static List<String> names(StoragePlugin plugin, Storage storage) {
        return plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                .map(image -> image.volid().volume().value())
                .sorted()
                .toList();
    }

    /** In which language a plugin is. */
    enum Language {
        PERL,
        JAVA;

        StoragePlugin on(StorpoolLab lab, int node) {
            return this == PERL ? lab.perl(node).plugin() : lab.java(node);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everythingThatThePluginDoesIsDone(Language language, Scratch scratch) throws Exception {
        StorpoolLab lab = StorpoolLab.start(scratch, "lab");
        lab.guests(Map.of(100L, Map.of("node", "node1"), 101L, Map.of("node", "node1")));
        StoragePlugin plugin = language.on(lab, StorpoolLab.FIRST);
        Storage storage = StorpoolLab.storage("extra-tags", "team=a qos=b");
        plugin.activateStorage(storage, OperationCache.create());
        assertThat(plugin.checkConnection(storage)).isTrue();
        long free = status(plugin, storage).available().bytes();

        VolumeName disk = plugin.allocImage(storage, GUEST, Image.RAW, null, SIZE);
        assertThat(disk.value()).isEqualTo("vm-100-disk-0-sp-a.b.1.raw");
        assertThat(lab.emulator().cluster().objects())
                .singleElement()
                .satisfies(volume -> assertThat(volume.tags())
                        .containsExactlyInAnyOrderEntriesOf(Map.of(
                                "virt", "pve",
                                "pve-loc", "lab",
                                "pve", "sp",
                                "pve-type", "images",
                                "pve-vm", "100",
                                "pve-disk", "0",
                                "team", "a",
                                "qos", "b")));
        assertThat(status(plugin, storage).available().bytes()).isEqualTo(free - SIZE.bytes());
        VolumeName state = plugin.allocImage(storage, GUEST, Image.RAW, "vm-100-state-before", SIZE);
        assertThat(state.value()).isEqualTo("snap-100-state-before-sp-a.b.2.raw");
        VolumeName cloudInit = plugin.allocImage(storage, GUEST, Image.RAW, "vm-100-cloudinit", SIZE);
        assertThat(cloudInit.value()).isEqualTo("vm-100-cloudinit.raw");

        plugin.activateVolume(storage, disk, null, OperationCache.create(), Hints.NONE);
        Path device = Path.of(plugin.path(storage, disk, null).path());
        assertThat(device).isEqualTo(lab.devices(StorpoolLab.FIRST).resolve("a.b.1"));
        Files.writeString(device, "first");
        plugin.snapshotVolume(storage, disk, new SnapshotName("before"));
        Files.writeString(device, "other");
        plugin.rollback(storage, disk, new SnapshotName("before"));
        assertThat(lab.emulator().cluster().attached()).isEmpty();
        plugin.activateVolume(storage, disk, null, OperationCache.create(), Hints.NONE);
        assertThat(Files.readString(device)).startsWith("first");
        plugin.resizeVolume(storage, disk, ByteSize.ofKib(2048), false, null);
        assertThat(plugin.volumeSizeInfo(storage, disk, null).size()).isEqualTo(ByteSize.ofKib(2048));
        plugin.renameSnapshot(storage, disk, new SnapshotName("before"), new SnapshotName("after"));
        assertThat(names(plugin, storage))
                .containsExactly(
                        "snap-100-disk-0-after-p-a.b.1-sp-a.b.4.raw",
                        "snap-100-state-before-sp-a.b.2.raw",
                        "vm-100-cloudinit.raw",
                        "vm-100-disk-0-sp-a.b.1.raw");
        plugin.deleteSnapshot(storage, disk, new SnapshotName("after"), false);

        VolumeName clone = plugin.cloneImage(storage, disk, new Vmid(101), null);
        assertThat(clone.value()).isEqualTo("vm-101-disk-0-sp-a.b.6.raw");
        VolumeName base = plugin.createBase(storage, disk);
        assertThat(base.value()).isEqualTo("base-100-disk-0-sp-a.b.7.raw");
        assertThat(plugin.hasFeature(storage, Feature.CLONE, base, null, false, null))
                .isTrue();
        VolumeName ofBase = plugin.cloneImage(storage, base, new Vmid(101), null);
        assertThat(ofBase.value()).isEqualTo("vm-101-disk-1-sp-a.b.8.raw");
        assertThat(plugin.renameVolume(storage, ofBase, GUEST, null).volume().value())
                .isEqualTo("vm-100-disk-1-sp-a.b.8.raw");
        for (String name : names(plugin, storage)) {
            plugin.freeImage(storage, new VolumeName(name), false, null);
        }
        assertThat(names(plugin, storage)).isEmpty();
        assertThat(lab.emulator().cluster().objects()).allMatch(Stored::isTransient);
    }

    @ParameterizedTest
    @EnumSource
    void aGuestThatMigratesHasItsDiskOnTwoNodes(Language language, Scratch scratch) {
        StorpoolLab lab = StorpoolLab.start(scratch, "lab");
        Storage storage = StorpoolLab.storage();
        lab.guests(Map.of(100L, Map.of("node", "node1")));
        StoragePlugin source = language.on(lab, 1);
        StoragePlugin target = language.on(lab, 2);
        VolumeName disk = source.allocImage(storage, GUEST, Image.RAW, null, SIZE);
        source.activateVolume(storage, disk, null, OperationCache.create(), Hints.NONE);
        assertThatThrownBy(() -> target.activateVolume(storage, disk, null, OperationCache.create(), Hints.NONE))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("live migration was interrupted");
        lab.guests(Map.of(100L, Map.of("node", "node1", "lock", "migrate")));
        target.activateVolume(storage, disk, null, OperationCache.create(), Hints.NONE);
        assertThat(lab.emulator().cluster().attached()).containsExactly("a.b.1 to 1 rw", "a.b.1 to 2 rw");
        lab.guests(Map.of(100L, Map.of("node", "node2")));
        target.activateVolume(storage, disk, null, OperationCache.create(), Hints.NONE);
        assertThat(lab.emulator().cluster().attached()).containsExactly("a.b.1 to 2 rw");
    }
}
