package dev.tenon.it;

import static dev.tenon.it.support.ScratchStorage.BASE;
import static dev.tenon.it.support.ScratchStorage.BASE_BYTES;
import static dev.tenon.it.support.ScratchStorage.CLONE;
import static dev.tenon.it.support.ScratchStorage.ID;
import static dev.tenon.it.support.ScratchStorage.QCOW2;
import static dev.tenon.it.support.ScratchStorage.QCOW2_BYTES;
import static dev.tenon.it.support.ScratchStorage.RAW;
import static dev.tenon.it.support.ScratchStorage.RAW_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.bridge.codec.RemoteStorageException;
import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.SidecarHost;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** Every method of the storage interface, on an ordinary Perl plugin in its sidecar. */
@TestInstance(Lifecycle.PER_CLASS)
class JavaCallsPerlTest {
    private static final VolumeName MISSING = new VolumeName("100/vm-100-disk-77.raw");

    private final ScratchStorage images;
    private final SidecarHost host;
    private final PerlStoragePlugin plugin;
    private final Storage storage;

    JavaCallsPerlTest(Scratch scratch) {
        images = ScratchStorage.create(scratch);
        host = SidecarHost.start(scratch, Installation.legacyDirPlugin());
        plugin = host.plugin();
        storage = host.storage();
    }

    @Test
    void thePluginDescribesItself() {
        assertThat(plugin.type()).isEqualTo("legacydir");
        assertThat(plugin.description().level()).isEqualTo(Installation.pveLibrary() == null ? 16 : 15);
        assertThat(plugin.description().packageName()).isEqualTo("PVE::Storage::Custom::LegacyDirPlugin");
        assertThat(plugin.description().overrides())
                .contains("status", "list_images", "path")
                .doesNotContain("activate_volume", "list_volumes");
        assertThat(plugin.description().pve())
                .isEqualTo(
                        Installation.pveLibrary() == null
                                ? "compat"
                                : Installation.pveLibrary() + "/PVE/Storage/Plugin.pm");
        assertThat(plugin.pluginData().content()).isEqualTo(Set.of("images", "rootdir", "none"));
        assertThat(plugin.pluginData().defaultContent()).isEqualTo(Set.of("images"));
        assertThat(plugin.pluginData().formats()).isEqualTo(Set.of("raw", "qcow2"));
        assertThat(plugin.pluginData().defaultFormat()).isEqualTo("raw");
        assertThat(plugin.properties()).containsOnlyKeys("legacydir-quiet");
        assertThat(plugin.options())
                .containsEntry("path", new PropertyOption(false, true))
                .containsEntry("nodes", new PropertyOption(true, false));
    }

    @Test
    void aVolumeNameIsTakenApart() {
        assertThat(plugin.parseVolname(new VolumeName(RAW)))
                .isEqualTo(
                        new ParsedVolume.GuestImage("vm-100-disk-0.raw", new Vmid(100), null, false, Format.Image.RAW));
        assertThat(plugin.parseVolname(new VolumeName(CLONE)))
                .isEqualTo(new ParsedVolume.GuestImage(
                        "vm-100-disk-2.qcow2",
                        new Vmid(100),
                        new ParsedVolume.Base("base-9000-disk-0.qcow2", new Vmid(9000)),
                        false,
                        Format.Image.QCOW2));
        assertThat(plugin.parseVolname(new VolumeName(BASE)))
                .isEqualTo(new ParsedVolume.GuestImage(
                        "base-9000-disk-0.qcow2", new Vmid(9000), null, true, Format.Image.QCOW2));
        assertThatThrownBy(() -> plugin.parseVolname(new VolumeName("nonsense")))
                .isInstanceOfSatisfying(
                        RemoteStorageException.class,
                        e -> assertThat(e.dieText()).hasValue("unable to parse directory volume name 'nonsense'\n"));
    }

    @Test
    void aPathComesWithOwnerAndType() {
        VolumePath path = new VolumePath(images.image(RAW).toString(), new Vmid(100), ContentType.IMAGES);
        assertThat(plugin.path(storage, new VolumeName(RAW), null)).isEqualTo(path);
        assertThat(plugin.filesystemPath(storage, new VolumeName(RAW), null)).isEqualTo(path);
        assertThat(plugin.path(storage, new VolumeName(QCOW2), new SnapshotName("before"))
                        .path())
                .isEqualTo(images.image(QCOW2).toString());
        assertThatThrownBy(() -> plugin.path(storage, new VolumeName(RAW), new SnapshotName("before")))
                .hasMessageContaining("can't snapshot this image format");
    }

    @Test
    void contentHasItsDirectoryThoughThePluginInheritsThis() {
        assertThat(plugin.getSubdir(storage, ContentType.IMAGES)).isEqualTo(images.path() + "/images");
        assertThat(plugin.getSubdir(storage, ContentType.ISO)).isEqualTo(images.path() + "/template/iso");
    }

    @Test
    void imagesAreListedAllOrOfOneGuestOrByName() {
        assertThat(plugin.listImages(storage, ImageFilter.all(), OperationCache.create()))
                .extracting(image -> image.volid().volume().value())
                .contains(RAW, QCOW2, BASE, CLONE);
        assertThat(plugin.listImages(storage, new ImageFilter.OfGuest(new Vmid(9000)), OperationCache.create()))
                .singleElement()
                .satisfies(image -> {
                    assertThat(image.volid()).isEqualTo(VolumeId.parse(ID + ":" + BASE));
                    assertThat(image.size()).isEqualTo(ByteSize.ofBytes(BASE_BYTES));
                    assertThat(image.format()).isEqualTo(Format.Image.QCOW2);
                    assertThat(image.owner()).isEqualTo(new Vmid(9000));
                });
        assertThat(plugin.listImages(
                        storage,
                        new ImageFilter.Named(List.of(VolumeId.parse(ID + ":" + CLONE))),
                        OperationCache.create()))
                .extracting(VolumeInfo::parent)
                .containsExactly("../9000/base-9000-disk-0.qcow2");
    }

    @Test
    void aVolumeHasItsSizeFormatUseParentAndTime() {
        assertThat(plugin.volumeSizeInfo(storage, new VolumeName(QCOW2), null)).satisfies(info -> {
            assertThat(info.size()).isEqualTo(ByteSize.ofBytes(QCOW2_BYTES));
            assertThat(info.format()).isEqualTo(Format.Image.QCOW2);
            assertThat(info.used()).isNotNull();
            assertThat(info.parent()).isNull();
            assertThat(info.ctime()).isGreaterThan(1_700_000_000L);
        });
        assertThat(plugin.volumeSizeInfo(storage, new VolumeName(RAW), null).size())
                .isEqualTo(ByteSize.ofBytes(RAW_BYTES));
        assertThat(plugin.volumeSizeInfo(storage, new VolumeName(CLONE), null).parent())
                .isEqualTo("../9000/base-9000-disk-0.qcow2");
    }

    @Test
    void theStatusIsThatOfTheDisk() throws Exception {
        assertThat(plugin.status(storage, OperationCache.create()))
                .isInstanceOfSatisfying(StorageStatus.Active.class, active -> {
                    assertThat(active.total().bytes())
                            .isEqualTo(images.path().toFile().getTotalSpace());
                    assertThat(active.available().bytes()).isPositive();
                });
        assertThat(plugin.status(host.storage("path", "/nowhere/at/all"), OperationCache.create()))
                .isEqualTo(new StorageStatus.Inactive());
    }

    @Test
    void theStorageIsActivatedAndDeactivatedThoughThePluginInheritsThis() {
        plugin.activateStorage(storage, OperationCache.create());
        assertThat(images.path().resolve("images")).isDirectory();
        plugin.deactivateStorage(storage, OperationCache.create());
        assertThatThrownBy(() -> plugin.activateStorage(
                        host.storage("path", "/nowhere/at/all", "create-base-path", "0", "create-subdirs", "0"),
                        OperationCache.create()))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("/nowhere/at/all");
    }

    @Test
    void aVolumeIsActivatedIfItExistsThoughThePluginInheritsThis() {
        plugin.activateVolume(storage, new VolumeName(RAW), null, OperationCache.create(), Hints.NONE);
        plugin.activateVolume(storage, new VolumeName(CLONE), null, OperationCache.create(), Hints.NONE);
        plugin.deactivateVolume(storage, new VolumeName(RAW), null, OperationCache.create());
        assertThatThrownBy(() -> plugin.activateVolume(storage, MISSING, null, OperationCache.create(), Hints.NONE))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("activate_volume of storage '" + ID + "', volume '" + MISSING + "'")
                .hasMessageContaining("does not exist");
    }

    @Test
    void anImageIsNamedAllocatedAndFreed() {
        assertThat(plugin.findFreeDiskname(storage, new Vmid(101), Format.Image.QCOW2, true))
                .isEqualTo("vm-101-disk-0.qcow2");
        VolumeName made = plugin.allocImage(storage, new Vmid(101), Format.Image.RAW, null, ByteSize.ofKib(4096));
        assertThat(made).hasToString("101/vm-101-disk-0.raw");
        assertThat(images.image(made.value())).hasSize(4 << 20);
        assertThat(plugin.findFreeDiskname(storage, new Vmid(101), Format.Image.RAW, true))
                .isEqualTo("vm-101-disk-1.raw");
        assertThatThrownBy(() -> plugin.allocImage(
                        storage, new Vmid(101), Format.Image.RAW, "vm-101-disk-0.raw", ByteSize.ofKib(1)))
                .isInstanceOfSatisfying(
                        RemoteStorageException.class,
                        e -> assertThat(e.dieText())
                                .hasValue("disk image '" + images.image(made.value()) + "' already exists\n"));
        plugin.freeImage(storage, made, false, null);
        assertThat(images.image("101")).doesNotExist();
        plugin.freeImage(storage, made, false, Format.Image.RAW);
    }

    @Test
    void anImageThatThePluginMakesIsNotReadableForOthers() throws Exception {
        VolumeName made = plugin.allocImage(storage, new Vmid(102), Format.Image.QCOW2, null, ByteSize.ofKib(64));
        assertThat(java.nio.file.Files.getPosixFilePermissions(images.image(made.value())))
                .hasToString("[OWNER_READ, OWNER_WRITE, GROUP_READ]");
        plugin.freeImage(storage, made, false, null);
    }
}
