package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DirListingTest {
    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private Storage storage = Storages.at(Path.of("/unset"));

    @BeforeEach
    void makeStorage() {
        storage = Storages.at(directory);
    }

    @Test
    void tellsWhatQemuImgTells() throws IOException {
        Path guest = guest("100");
        Qemu.create(guest, "-f", "raw", "vm-100-disk-0.raw", "3M");
        Qemu.create(guest, "-f", "qcow2", "-o", "preallocation=metadata", "vm-100-disk-1.qcow2", "5M");
        Qemu.create(guest, "-f", "vmdk", "vm-100-disk-2.vmdk", "7M");
        Files.createDirectory(guest.resolve("subvol-100-disk-3.subvol"));

        List<VolumeInfo> images = list(ImageFilter.all());

        assertThat(images)
                .extracting(image -> image.volid().toString())
                .containsExactly(
                        "store:100/subvol-100-disk-3.subvol",
                        "store:100/vm-100-disk-0.raw",
                        "store:100/vm-100-disk-1.qcow2",
                        "store:100/vm-100-disk-2.vmdk");
        for (VolumeInfo image : images.subList(1, images.size())) {
            Path file =
                    directory.resolve("images").resolve(image.volid().volume().value());
            Qemu.Info expected = Qemu.info(file, image.format().word());
            assertThat(image.size()).extracting("bytes").isEqualTo(expected.virtualSize());
            assertThat(image.used()).extracting("bytes").isEqualTo(expected.actualSize());
            assertThat(image.owner()).isEqualTo(new Vmid(100));
            assertThat(image.ctime()).isEqualTo(seconds(file));
            assertThat(image.parent()).isNull();
            assertThat(image.other()).isEmpty();
        }
        assertThat(images.getFirst().format()).isEqualTo(Format.Image.SUBVOL);
        assertThat(images.getFirst().size()).extracting("bytes").isEqualTo(0L);
    }

    @Test
    void namesALinkedCloneAfterItsBase() throws IOException {
        Qemu.create(guest("100"), "-f", "raw", "base-100-disk-0.raw", "1M");
        Qemu.create(
                guest("101"), "-f", "qcow2", "-b", "../100/base-100-disk-0.raw", "-F", "raw", "vm-101-disk-0.qcow2");

        assertThat(names(ImageFilter.all()))
                .containsExactly("100/base-100-disk-0.raw", "100/base-100-disk-0.raw/101/vm-101-disk-0.qcow2");
        assertThat(list(new ImageFilter.OfGuest(new Vmid(101))).getFirst().parent())
                .isEqualTo("../100/base-100-disk-0.raw");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../100/other.txt",
                "../../etc/passwd.raw",
                "../0100/base-100-disk-0.raw",
                "../100/snap-x.qcow2",
                "../100/with blank.raw",
                "../100/-o.raw",
                "/srv/images/100/base-100-disk-0.raw",
                "snap-one-vm-101-disk-0.qcow2",
                "nbd:unix:/run/x"
            })
    void listsUnderItsPlainNameWhatIsBasedOnAnythingElse(String backing) throws IOException {
        Qemu.create(guest("101"), "-f", "qcow2", "-u", "-b", backing, "-F", "raw", "vm-101-disk-0.qcow2", "1M");

        List<VolumeInfo> images = list(ImageFilter.all());

        assertThat(images).hasSize(1);
        assertThat(images.getFirst().volid()).isEqualTo(Storages.volume("101/vm-101-disk-0.qcow2"));
        assertThat(images.getFirst().parent()).isEqualTo(backing);
    }

    @Test
    void listsAnImageThatIsNotOfItsFormatAsInvalid() throws IOException {
        Files.write(guest("100").resolve("vm-100-disk-0.qcow2"), new byte[1025]);

        VolumeInfo image = list(ImageFilter.all()).getFirst();

        assertThat(image.format()).isEqualTo(new Format.Other("invalid"));
        assertThat(image.size()).extracting("bytes").isEqualTo(1536L);
    }

    @Test
    void listsOnlyFilesThatAreImages() throws IOException {
        Path guest = guest("100");
        for (String name : List.of(
                ".hidden.raw",
                ".tenon-0123.raw",
                "snap-one-vm-100-disk-0.qcow2",
                "notes.txt",
                "with blank.raw",
                "line\nfeed.raw",
                "-o.raw",
                ".raw")) {
            Files.createFile(guest.resolve(name));
        }
        Files.createDirectories(guest.resolve(".tenon-4567"));
        Files.createFile(guest.resolve(".tenon-4567/vm-100-disk-5.raw"));
        Files.createFile(guest("5").resolve("vm-5-disk-0.raw"));
        Files.createFile(guest("0100").resolve("vm-100-disk-0.raw"));
        Files.createFile(guest("1234567890").resolve("vm-1-disk-0.raw"));
        Files.createFile(guest("10x").resolve("vm-10-disk-0.raw"));
        Files.createFile(directory.resolve("images/200"));
        Files.createFile(guest.resolve("kept.raw"));

        assertThat(names(ImageFilter.all())).containsExactly("100/kept.raw");
    }

    @Test
    void leavesOutWhatCannotBeRead() throws IOException {
        Path guest = guest("100");
        Files.createSymbolicLink(guest.resolve("nowhere.raw"), directory.resolve("nowhere"));
        Files.createDirectory(guest.resolve("directory.raw"));
        Files.createFile(guest.resolve("file.subvol"));
        Qemu.run(guest, List.of("mkfifo", "pipe.qcow2"));

        assertThat(names(ImageFilter.all())).isEmpty();
    }

    @Test
    void listsWhatTheFilterAccepts() throws IOException {
        for (String guest : List.of("100", "101", "102")) {
            Files.createFile(guest(guest).resolve("a.raw"));
            Files.createFile(guest(guest).resolve("b.raw"));
        }

        assertThat(names(new ImageFilter.OfGuest(new Vmid(101)))).containsExactly("101/a.raw", "101/b.raw");
        assertThat(names(new ImageFilter.OfGuest(new Vmid(109)))).isEmpty();
        assertThat(names(new ImageFilter.Named(List.of(
                        Storages.volume("100/b.raw"),
                        Storages.volume("102/missing.raw"),
                        new VolumeId(new StorageId("other"), new VolumeName("101/a.raw"))))))
                .containsExactly("100/b.raw");
    }

    @Test
    void acceptsWhatTheFilterItselfAccepts() throws IOException {
        Qemu.create(guest("100"), "-f", "raw", "base-100-disk-0.raw", "1M");
        Qemu.create(
                guest("101"), "-f", "qcow2", "-b", "../100/base-100-disk-0.raw", "-F", "raw", "vm-101-disk-0.qcow2");
        List<ImageFilter> filters = List.of(
                ImageFilter.all(),
                new ImageFilter.OfGuest(new Vmid(100)),
                new ImageFilter.Named(List.of(
                        Storages.volume("100/base-100-disk-0.raw/101/vm-101-disk-0.qcow2"),
                        Storages.volume("101/vm-101-disk-0.qcow2"))));
        List<VolumeInfo> all = list(ImageFilter.all());

        for (ImageFilter filter : filters) {
            assertThat(list(filter))
                    .isEqualTo(all.stream()
                            .filter(image -> filter.accepts(image.volid(), Optional.ofNullable(image.owner())))
                            .toList());
        }
    }

    @Test
    void isEmptyWithoutADirectoryOfImages() {
        assertThat(list(ImageFilter.all())).isEmpty();
    }

    @Test
    void failsIfTheStorageIsMissing() {
        Storage missing = Storages.at(directory.resolve("missing"));

        assertThatThrownBy(() -> plugin.listImages(missing, ImageFilter.all(), OperationCache.create()))
                .hasMessageContaining(directory.resolve("missing/images").toString())
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.STORAGE_UNAVAILABLE);
    }

    @Test
    void failsRatherThanListingPartlyWhenItIsInterrupted() throws IOException {
        Qemu.create(guest("100"), "-f", "qcow2", "vm-100-disk-0.qcow2", "1M");
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() -> list(ImageFilter.all())).isInstanceOf(StorageException.class);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    private Path guest(String name) throws IOException {
        return Files.createDirectories(directory.resolve("images").resolve(name));
    }

    private List<VolumeInfo> list(ImageFilter filter) {
        return plugin.listImages(storage, filter, OperationCache.create());
    }

    private List<String> names(ImageFilter filter) {
        return list(filter).stream()
                .map(image -> image.volid().volume().value())
                .toList();
    }

    private static @Nullable Long seconds(Path file) throws IOException {
        return ((FileTime) Files.getAttribute(file, "unix:ctime")).to(TimeUnit.SECONDS);
    }
}
