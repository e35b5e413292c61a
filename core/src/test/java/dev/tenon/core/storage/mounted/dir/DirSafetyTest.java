package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes and activation of volumes, and images that would make QEMU open what is not the storage's. */
class DirSafetyTest {
    private static final OperationCache CACHE = OperationCache.create();
    private static final int FIRST_EXTENSION = 0x70;

    @TempDir
    Path directory;

    @TempDir
    Path outside;

    private final DirPlugin plugin = new DirPlugin();
    private Storage storage = Storages.at(Path.of("/unset"));
    private Path guest = Path.of("/unset");

    @BeforeEach
    void makeStorage() throws IOException {
        storage = Storages.at(directory);
        guest = Files.createDirectories(directory.resolve("images/100"));
    }

    @Test
    void tellsSizeUseAndParent() throws IOException {
        Path base = Files.createDirectories(directory.resolve("images/99"));
        Qemu.create(base, "-f", "qcow2", "base-99-disk-0.qcow2", "3M");
        Qemu.create(guest, "-f", "qcow2", "-b", "../99/base-99-disk-0.qcow2", "-F", "qcow2", "disk.qcow2", "5M");

        SizeInfo info = size("100/disk.qcow2");

        assertThat(info.size()).isEqualTo(ByteSize.ofKib(5 * 1024));
        assertThat(info.format()).isEqualTo(Format.Image.QCOW2);
        assertThat(info.used())
                .isEqualTo(ByteSize.ofBytes(
                        Qemu.info(guest.resolve("disk.qcow2"), "qcow2").actualSize()));
        assertThat(info.parent()).isEqualTo("../99/base-99-disk-0.qcow2");
        assertThat(info.ctime()).isPositive();
        activate("100/disk.qcow2");
    }

    @Test
    void tellsTheSizeOfContentThatIsNoGuestImage() throws IOException {
        Files.write(Files.createDirectories(directory.resolve("template/iso")).resolve("a.iso"), new byte[1000]);
        Files.write(Files.createDirectories(directory.resolve("import")).resolve("a.ova"), new byte[1000]);
        Files.createDirectory(guest.resolve("a.subvol"));

        assertThat(size("iso/a.iso").size()).isEqualTo(ByteSize.ofBytes(1024));
        assertThat(size("import/a.ova").format()).isEqualTo(Format.Image.RAW);
        assertThat(size("100/a.subvol").size()).isEqualTo(ByteSize.ofBytes(0));
        assertThatThrownBy(() -> size("import/a.ova/disk.vmdk"))
                .hasMessage("volume 'import/a.ova/disk.vmdk' is of unsupported format 'ova+vmdk'");
    }

    @Test
    void tellsAMissingVolume() {
        assertThatThrownBy(() -> size("100/missing.raw"))
                .hasMessage("volume 'store:100/missing.raw' does not exist")
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.NOT_FOUND);
        assertThatThrownBy(() -> activate("100/missing.raw"))
                .hasMessage("volume 'store:100/missing.raw' does not exist");
    }

    @Test
    void activatesTheSnapshotOfAChain() {
        Storage chained = Storages.at(directory, "snapshot-as-volume-chain", "1");
        Qemu.create(guest, "-f", "qcow2", "snap-one-vm-100-disk-0.qcow2", "1M");
        VolumeName volume = new VolumeName("100/vm-100-disk-0.qcow2");

        plugin.activateVolume(chained, volume, new SnapshotName("one"), CACHE, Hints.NONE);
        plugin.deactivateVolume(chained, volume, new SnapshotName("one"), CACHE);
        assertThatThrownBy(() -> plugin.activateVolume(chained, volume, new SnapshotName("two"), CACHE, Hints.NONE))
                .hasMessageContaining("does not exist");
    }

    @Test
    void tellsAnImageThatIsNotOfItsFormat() throws IOException {
        Files.writeString(guest.resolve("disk.qcow2"), "garbage");

        assertThatThrownBy(() -> size("100/disk.qcow2")).hasMessageEndingWith("Image is not in qcow2 format");
        assertThatThrownBy(() -> activate("100/disk.qcow2")).hasMessageEndingWith("Image is not in qcow2 format");
    }

    @Test
    void neverTakesARawImageForAnother() throws IOException {
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", "/etc/hostname", "-F", "raw", "disk.qcow2", "1G");
        Files.move(guest.resolve("disk.qcow2"), guest.resolve("disk.raw"));

        assertThat(size("100/disk.raw").parent()).isNull();
        activate("100/disk.raw");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/etc/hostname",
                "../../../../../../../../etc/hostname",
                "../../../missing.raw",
                "nbd:unix:/run/nbd.socket",
                "nbd://host/export",
                "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"/etc/hostname\"}}",
                "file:/etc/hostname",
                "fat:/etc",
                "colon:in.name",
                "rbd:pool/image"
            })
    void refusesAnImageThatIsBasedOnAFileOutsideItsStorage(String backing) {
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", backing, "-F", "raw", "disk.qcow2", "1M");

        assertUnsafe("100/disk.qcow2", backing.substring(0, Math.min(10, backing.length())));
    }

    @Test
    void refusesAnImageThatIsBasedOnALinkOutOfItsStorage() throws IOException {
        Path target = Files.createFile(outside.resolve("target.raw"));
        Files.createSymbolicLink(guest.resolve("link.raw"), target);
        Files.createSymbolicLink(directory.resolve("images/101"), outside);
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", "link.raw", "-F", "raw", "first.qcow2", "1M");
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", "../101/target.raw", "-F", "raw", "second.qcow2", "1M");

        assertUnsafe("100/first.qcow2", "'link.raw'");
        assertUnsafe("100/second.qcow2", "'../101/target.raw'");
    }

    @Test
    void refusesAnImageWithAnExternalDataFileEvenInsideItsStorage() {
        Qemu.create(guest, "-f", "qcow2", "-o", "data_file=" + guest.resolve("data.raw"), "disk.qcow2", "1M");

        assertUnsafe("100/disk.qcow2", guest.resolve("data.raw").toString());
    }

    @Test
    void refusesAVmdkImageThatDescribesOtherFiles() {
        Qemu.create(guest, "-f", "vmdk", "-o", "subformat=monolithicFlat", "disk.vmdk", "1M");

        assertUnsafe("100/disk.vmdk", "'disk-flat.vmdk'");
    }

    @Test
    void refusesAVmdkImageWhoseParentIsOutside() throws IOException {
        Qemu.create(outside, "-f", "vmdk", "base.vmdk", "1M");
        Qemu.create(guest, "-f", "vmdk", "-b", outside.resolve("base.vmdk").toString(), "-F", "vmdk", "disk.vmdk");

        assertUnsafe("100/disk.vmdk", outside.resolve("base.vmdk").toString());
    }

    @Test
    void refusesAnImageThatIsBasedOnAnUnsafeOne() {
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", "/etc/hostname", "-F", "raw", "unsafe.qcow2", "1M");
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", "unsafe.qcow2", "-F", "qcow2", "disk.qcow2", "1M");

        assertUnsafe("100/disk.qcow2", "'/etc/hostname'");
    }

    @Test
    void refusesARawBackingFileThatQemuWouldTakeForAnother() throws IOException {
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", "/etc/hostname", "-F", "raw", "base.qcow2", "1M");
        Files.move(guest.resolve("base.qcow2"), guest.resolve("base.raw"));
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", "base.raw", "-F", "raw", "disk.qcow2", "1M");
        activate("100/disk.qcow2");

        Qemu.patch(guest.resolve("disk.qcow2"), FIRST_EXTENSION, new byte[] {1, 2, 3, 4});

        assertUnsafe("100/disk.qcow2", "does not name its format");
    }

    @Test
    void acceptsAnOldCloneThatDoesNotNameTheFormatOfItsBase() throws IOException {
        Qemu.create(guest, "-f", "raw", "base.raw", "1M");
        Qemu.create(guest, "-f", "qcow2", "-b", "base.raw", "-F", "raw", "disk.qcow2", "1M");
        Qemu.patch(guest.resolve("disk.qcow2"), FIRST_EXTENSION, new byte[] {1, 2, 3, 4});

        activate("100/disk.qcow2");
    }

    @Test
    void refusesImagesThatAreBasedOnEachOther() {
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", "disk.qcow2", "-F", "qcow2", "other.qcow2", "1M");
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", "other.qcow2", "-F", "qcow2", "disk.qcow2", "1M");

        assertUnsafe("100/disk.qcow2", "are based on each other");
    }

    @Test
    void listsWhatItRefuses() {
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", "json:{}", "-F", "raw", "backing.qcow2", "1M");
        Qemu.create(guest, "-f", "qcow2", "-o", "data_file=" + guest.resolve("data.raw"), "data.qcow2", "1M");

        assertThat(plugin.listImages(storage, ImageFilter.all(), CACHE))
                .extracting(image -> image.volid().volume().value())
                .containsExactly("100/backing.qcow2", "100/data.qcow2", "100/data.raw");
        plugin.freeImage(storage, new VolumeName("100/backing.qcow2"), false, null);
        plugin.freeImage(storage, new VolumeName("100/data.qcow2"), false, null);
        assertThat(guest.resolve("backing.qcow2")).doesNotExist();
        assertThat(guest.resolve("data.qcow2")).doesNotExist();
    }

    @Test
    void refusesTheSizeOfALinkOutOfTheStorage() throws IOException {
        Path target = Files.createFile(outside.resolve("target.raw"));
        Files.createSymbolicLink(guest.resolve("disk.raw"), target);

        assertThatThrownBy(() -> size("100/disk.raw"))
                .hasMessageContaining("leaves its storage")
                .hasMessageContaining(target.toString());
    }

    /** What operations refuse is not offered, whatever it is a link to, and its name is not given to another. */
    @ParameterizedTest
    @ValueSource(strings = {"file", "missing", "device", "directory"})
    void listsNoLinkOutOfTheStorage(String kind) throws IOException {
        Path target = outside.resolve("target");
        switch (kind) {
            case "file" -> Files.createFile(target);
            case "directory" -> Files.createDirectory(target);
            case "device" -> target = Path.of("/dev/null");
            default -> {}
        }
        Files.createSymbolicLink(guest.resolve("vm-100-disk-0.raw"), target);
        Files.createSymbolicLink(guest.resolve("vm-100-disk-1.qcow2"), target);
        Files.createSymbolicLink(guest.resolve("subvol-100-disk-2.subvol"), target);
        Files.createSymbolicLink(directory.resolve("images/101"), outside);
        Files.createFile(outside.resolve("vm-101-disk-0.raw"));
        for (String name : List.of("template/iso/a.iso", "dump/a.tgz", "snippets/a", "import/a.ova")) {
            Path link = directory.resolve(name);
            Files.createDirectories(link.resolveSibling("."));
            Files.createSymbolicLink(link, target);
        }
        Files.createSymbolicLink(guest.resolve("inside.raw"), Path.of("disk.raw"));
        Files.createFile(guest.resolve("disk.raw"));

        assertThat(plugin.listVolumes(storage, null, EnumSet.allOf(ContentType.class)))
                .extracting(volume -> volume.volume().volid().volume().value())
                .containsExactlyInAnyOrder("100/disk.raw", "100/inside.raw");
        for (String volume : List.of("100/vm-100-disk-0.raw", "101/vm-101-disk-0.raw", "iso/a.iso", "import/a.ova")) {
            assertThatThrownBy(() -> size(volume)).hasMessageContaining("leaves its storage");
        }
        assertThat(plugin.findFreeDiskname(storage, new Vmid(100), Format.Image.RAW, true))
                .isEqualTo("vm-100-disk-3.raw");
    }

    @Test
    void acceptsAStorageThatIsALinkTogetherWithItsClones() throws IOException {
        Path link = Files.createSymbolicLink(outside.resolve("link"), directory);
        Path base = Files.createDirectories(directory.resolve("images/99"));
        Qemu.create(base, "-f", "raw", "base-99-disk-0.raw", "3M");
        Qemu.create(guest, "-f", "qcow2", "-b", "../99/base-99-disk-0.raw", "-F", "raw", "disk.qcow2");
        Storage linked = Storages.at(link);

        assertThat(plugin.volumeSizeInfo(linked, new VolumeName("100/disk.qcow2"), null)
                        .size())
                .isEqualTo(ByteSize.ofKib(3 * 1024));
        plugin.activateVolume(linked, new VolumeName("100/disk.qcow2"), null, CACHE, Hints.NONE);
    }

    private void assertUnsafe(String volume, String named) {
        List<ThrowingCallable> calls = List.of(() -> size(volume), () -> activate(volume));
        for (ThrowingCallable call : calls) {
            assertThatThrownBy(call)
                    .hasMessageContaining("store:" + volume)
                    .hasMessageContaining(named)
                    .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                    .extracting(StorageException::error)
                    .isEqualTo(StorageError.UNSAFE_IMAGE);
        }
    }

    private SizeInfo size(String volume) {
        return plugin.volumeSizeInfo(storage, new VolumeName(volume), null);
    }

    private void activate(String volume) {
        plugin.activateVolume(storage, new VolumeName(volume), null, CACHE, Hints.NONE);
    }
}
