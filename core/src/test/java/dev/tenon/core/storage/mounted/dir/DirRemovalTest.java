package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DirRemovalTest {
    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private Storage storage = Storages.at(Path.of("/unset"));
    private Path guest = Path.of("/unset");

    @BeforeEach
    void makeStorage() throws IOException {
        storage = Storages.at(directory);
        guest = Files.createDirectories(directory.resolve("images/100"));
    }

    @Test
    void leavesTheDirectoryOfOtherContentWhereItIs() throws IOException {
        Path iso = Files.createDirectories(directory.resolve("template/iso"));
        Files.writeString(iso.resolve("debian.iso"), "iso");

        free("iso/debian.iso");

        assertThat(iso).isEmptyDirectory();
    }

    @Test
    void removesAnImageAndTheDirectoryItLeavesEmpty() throws IOException {
        Files.createFile(guest.resolve("disk.raw"));
        Files.createFile(guest.resolve("other.raw"));

        free("100/disk.raw");
        assertThat(guest).isDirectoryContaining("glob:**/other.raw");

        free("100/other.raw");
        assertThat(guest).doesNotExist();
        assertThat(directory.resolve("images")).exists();
    }

    @Test
    void succeedsIfTheImageIsMissing() {
        assertThatCode(() -> free("100/missing.raw")).doesNotThrowAnyException();
        assertThatCode(() -> free("100/missing.subvol")).doesNotThrowAnyException();
        assertThatCode(() -> free("200/missing.raw")).doesNotThrowAnyException();
        assertThatCode(() -> free("iso/missing.iso")).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vzdump-qemu-100-2024_02_29-01_02_03.vma.zst",
                "vzdump-lxc-100-2024_02_29-01_02_03.tar",
                "vzdump-qemu-100-my-own-name.vma",
                "another.tgz"
            })
    void removesTheNotesAndTheLogOfABackup(String name) throws IOException {
        Path dump = Files.createDirectories(directory.resolve("dump"));
        Path archive = Files.createFile(dump.resolve(name));
        Files.createFile(dump.resolve(name + ".notes"));
        boolean hasLog = name.contains("2024");
        String stem = name.substring(0, name.indexOf('.'));
        Files.createFile(dump.resolve(stem + ".log"));
        Files.createFile(dump.resolve("vzdump-qemu-100-2024_02_29-01_02_04.log"));

        free("backup/" + name);

        assertThat(archive).doesNotExist();
        assertThat(dump.resolve(name + ".notes")).doesNotExist();
        assertThat(Files.exists(dump.resolve(stem + ".log"))).isEqualTo(!hasLog);
        assertThat(dump.resolve("vzdump-qemu-100-2024_02_29-01_02_04.log")).exists();
    }

    @Test
    void removesAnInvalidImageSoThatItCanBeGotRidOf() throws IOException {
        Files.writeString(guest.resolve("disk.qcow2"), "garbage");

        free("100/disk.qcow2");

        assertThat(guest).doesNotExist();
    }

    @Test
    void removesALinkedCloneByItsLongName() throws IOException {
        Path base = Files.createFile(guest.resolve("base-100-disk-0.raw"));
        Path clone = Files.createFile(
                Files.createDirectories(directory.resolve("images/101")).resolve("vm-101-disk-0.qcow2"));

        free("100/base-100-disk-0.raw/101/vm-101-disk-0.qcow2");

        assertThat(clone).doesNotExist();
        assertThat(base).exists();
    }

    @Test
    void removesAnImmutableBaseImage() throws IOException {
        Path base = Files.createFile(guest.resolve("base-100-disk-0.raw"));
        try {
            Qemu.run(null, List.of("chattr", "+i", base.toString()));
        } catch (IllegalStateException e) {
            Assumptions.abort("no file can be made immutable here: " + e.getMessage());
        }

        plugin.freeImage(storage, new VolumeName("100/base-100-disk-0.raw"), true, Format.Image.RAW);

        assertThat(base).doesNotExist();
    }

    @Test
    void tellsThatAnImageMayNotBeRemoved() throws IOException {
        Path image = Files.createFile(guest.resolve("disk.raw"));
        try {
            Qemu.run(null, List.of("chattr", "+i", image.toString()));
        } catch (IllegalStateException e) {
            Assumptions.abort("no file can be made immutable here: " + e.getMessage());
        }
        try {
            assertThatThrownBy(() -> free("100/disk.raw"))
                    .hasMessageStartingWith("unlink '" + image + "' failed")
                    .isInstanceOf(StorageException.class);
        } finally {
            Qemu.run(null, List.of("chattr", "-i", image.toString()));
        }
        assertThat(image).exists();
    }

    @Test
    void refusesAProtectedBackup() throws IOException {
        Path dump = Files.createDirectories(directory.resolve("dump"));
        Path backup = Files.createFile(dump.resolve("vzdump-qemu-100-x.vma"));
        Path protection = Files.createFile(dump.resolve("vzdump-qemu-100-x.vma.protected"));

        assertThatThrownBy(() -> free("backup/vzdump-qemu-100-x.vma"))
                .hasMessage("cannot remove protected volume 'backup/vzdump-qemu-100-x.vma' on 'store'")
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.PERMISSION_DENIED);

        Files.delete(protection);
        free("backup/vzdump-qemu-100-x.vma");
        assertThat(backup).doesNotExist();
        assertThat(dump).exists();
    }

    @Test
    void removesASubvolumeWithoutFollowingItsLinks(@TempDir Path outside) throws IOException {
        Path precious = Files.writeString(outside.resolve("precious"), "content");
        Path subvolume = Files.createDirectories(guest.resolve("subvol-100-disk-0.subvol/etc/deep"));
        Files.createSymbolicLink(subvolume.resolve("out"), outside);
        Files.createFile(subvolume.resolve("-rf"));
        Files.createFile(subvolume.resolve("line\nfeed"));

        free("100/subvol-100-disk-0.subvol");

        assertThat(guest).doesNotExist();
        assertThat(precious).hasContent("content");
    }

    @Test
    void refusesADirectoryUnderTheNameOfAnImage() throws IOException {
        Path notAnImage = Files.createDirectories(guest.resolve("disk.raw/inside"));

        assertThatThrownBy(() -> free("100/disk.raw")).hasMessageContaining("it is a directory and no subvolume");
        assertThat(notAnImage).exists();
    }

    @Test
    void removesTheSnapshotsOfAChainedImageWithIt() throws IOException {
        Storage chained = Storages.at(directory, "snapshot-as-volume-chain", "1");
        Qemu.create(guest, "-f", "qcow2", "snap-one-vm-100-disk-0.qcow2", "1M");
        backed("snap-two-vm-100-disk-0.qcow2", "snap-one-vm-100-disk-0.qcow2");
        backed("vm-100-disk-0.qcow2", "snap-two-vm-100-disk-0.qcow2");
        Files.createFile(guest.resolve("snap-one-vm-100-disk-1.qcow2"));

        plugin.freeImage(chained, new VolumeName("100/vm-100-disk-0.qcow2"), false, Format.Image.QCOW2);

        try (var left = Files.list(guest)) {
            assertThat(left).containsExactly(guest.resolve("snap-one-vm-100-disk-1.qcow2"));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "snap-x/../../../../precious-vm-100-disk-0.qcow2",
                "/precious-vm-100-disk-0.qcow2",
                "other-vm-100-disk-0.qcow2",
                "snap-one-vm-100-disk-1.qcow2"
            })
    void removesNothingElseThatAChainedImageNames(String backing) throws IOException {
        Storage chained = Storages.at(directory, "snapshot-as-volume-chain", "1");
        Path other = Files.createFile(guest.resolve("other-vm-100-disk-0.qcow2"));
        Path snapshotOfAnother = Files.createFile(guest.resolve("snap-one-vm-100-disk-1.qcow2"));
        Path precious = Files.createFile(directory.resolve("precious-vm-100-disk-0.qcow2"));
        backed("vm-100-disk-0.qcow2", backing);

        plugin.freeImage(chained, new VolumeName("100/vm-100-disk-0.qcow2"), false, Format.Image.QCOW2);

        assertThat(guest.resolve("vm-100-disk-0.qcow2")).doesNotExist();
        assertThat(List.of(other, snapshotOfAnother, precious))
                .allSatisfy(file -> assertThat(file).exists());
    }

    @Test
    void doesNotGoRoundInAChainThatIsALoop() throws IOException {
        Storage chained = Storages.at(directory, "snapshot-as-volume-chain", "1");
        backed("snap-one-vm-100-disk-0.qcow2", "snap-two-vm-100-disk-0.qcow2");
        backed("snap-two-vm-100-disk-0.qcow2", "snap-one-vm-100-disk-0.qcow2");
        backed("vm-100-disk-0.qcow2", "snap-one-vm-100-disk-0.qcow2");

        plugin.freeImage(chained, new VolumeName("100/vm-100-disk-0.qcow2"), false, Format.Image.QCOW2);

        assertThat(guest).doesNotExist();
    }

    @Test
    void refusesALinkOutOfTheStorage(@TempDir Path outside) throws IOException {
        Path target = Files.createFile(outside.resolve("target.raw"));
        Path link = Files.createSymbolicLink(guest.resolve("disk.raw"), target);
        Path nowhere = Files.createSymbolicLink(guest.resolve("nowhere.raw"), outside.resolve("nowhere"));

        for (String name : List.of("100/disk.raw", "100/nowhere.raw")) {
            assertThatThrownBy(() -> free(name))
                    .hasMessageContaining("leaves its storage")
                    .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                    .extracting(StorageException::error)
                    .isEqualTo(StorageError.UNSAFE_IMAGE);
        }
        assertThat(target).exists();
        assertThat(Files.exists(link, LinkOption.NOFOLLOW_LINKS)).isTrue();
        assertThat(Files.exists(nowhere, LinkOption.NOFOLLOW_LINKS)).isTrue();
    }

    @Test
    void refusesAGuestDirectoryThatLeadsOutOfTheStorage(@TempDir Path outside) throws IOException {
        Path target = Files.createFile(outside.resolve("disk.raw"));
        Files.createSymbolicLink(directory.resolve("images/101"), outside);

        assertThatThrownBy(() -> free("101/disk.raw")).hasMessageContaining("leaves its storage");
        assertThat(target).exists();
    }

    @Test
    void removesALinkInsideTheStorageButNotItsTarget() throws IOException {
        Path target = Files.createFile(guest.resolve("target.raw"));
        Path link = Files.createSymbolicLink(guest.resolve("link.raw"), target);

        free("100/link.raw");

        assertThat(Files.exists(link, LinkOption.NOFOLLOW_LINKS)).isFalse();
        assertThat(target).exists();
    }

    private void backed(String name, String backing) {
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", backing, "-F", "qcow2", name, "1M");
    }

    private void free(String name) {
        plugin.freeImage(storage, new VolumeName(name), false, null);
    }
}
