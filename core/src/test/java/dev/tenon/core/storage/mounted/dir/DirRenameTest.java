package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DirRenameTest {
    private static final VolumeName DISK = new VolumeName("100/vm-100-disk-0.qcow2");

    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private Storage storage = Storages.at(Path.of("/unset"));
    private Path guest = Path.of("/unset");

    @BeforeEach
    void makeStorage() throws IOException {
        storage = Storages.at(directory);
        guest = Files.createDirectories(directory.resolve("images/100"));
        Qemu.create(guest, "-f", "qcow2", "vm-100-disk-0.qcow2", "1M");
    }

    @ParameterizedTest
    @CsvSource({
        "101, vm-101-disk-5.qcow2, 101/vm-101-disk-5.qcow2",
        "101, 101/vm-101-disk-5.qcow2, 101/vm-101-disk-5.qcow2",
        ", 101/vm-101-disk-5.qcow2, 101/vm-101-disk-5.qcow2",
        ", vm-101-disk-5.qcow2, 101/vm-101-disk-5.qcow2",
        ", other.qcow2, 100/other.qcow2",
        "101, other.qcow2, 101/other.qcow2",
        "101,, 101/vm-101-disk-0.qcow2",
        ",, 100/vm-100-disk-1.qcow2"
    })
    void givesAnImageAnotherName(@Nullable Long owner, @Nullable String name, String expected) {
        VolumeId renamed = plugin.renameVolume(
                storage, DISK, owner == null ? null : new Vmid(owner), name == null ? null : new VolumeName(name));

        assertThat(renamed).isEqualTo(Storages.volume(expected));
        assertThat(directory.resolve("images").resolve(expected)).exists();
        assertThat(guest.resolve("vm-100-disk-0.qcow2")).doesNotExist();
        assertThat(guest).exists();
    }

    @Test
    void keepsTheBaseOfALinkedClone() throws IOException {
        Files.createDirectories(directory.resolve("images/9000"));
        Qemu.create(directory.resolve("images/9000"), "-f", "raw", "base-9000-disk-0.raw", "1M");
        Qemu.create(guest, "-f", "qcow2", "-b", "../9000/base-9000-disk-0.raw", "-F", "raw", "vm-100-disk-1.qcow2");

        VolumeId renamed = plugin.renameVolume(
                storage, new VolumeName("9000/base-9000-disk-0.raw/100/vm-100-disk-1.qcow2"), new Vmid(101), null);

        assertThat(renamed.volume().value()).isEqualTo("9000/base-9000-disk-0.raw/101/vm-101-disk-0.qcow2");
        plugin.activateVolume(storage, renamed.volume(), null, OperationCache.create(), Hints.NONE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"vmdk", "raw"})
    void leavesAnImageUsableUnderItsNewName(String format) {
        Qemu.create(guest, "-f", format, "vm-100-disk-1." + format, "1M");

        VolumeId renamed =
                plugin.renameVolume(storage, new VolumeName("100/vm-100-disk-1." + format), new Vmid(101), null);

        plugin.activateVolume(storage, renamed.volume(), null, OperationCache.create(), Hints.NONE);
        assertThat(Qemu.info(directory.resolve("images/101/vm-101-disk-0." + format), format)
                        .virtualSize())
                .isEqualTo(1 << 20);
    }

    @Test
    void neverReplacesAnotherImage() throws IOException {
        Path taken = Files.writeString(guest.resolve("vm-100-disk-1.qcow2"), "taken");

        Failing.fails(
                () -> rename("vm-100-disk-1.qcow2"),
                StorageError.ALREADY_EXISTS,
                Outcome.FAILED_CLEAN,
                "target volume 'vm-100-disk-1.qcow2' already exists");

        assertThat(taken).hasContent("taken");
        assertThat(guest.resolve("vm-100-disk-0.qcow2")).exists();
    }

    @ParameterizedTest
    @CsvSource({
        "vm-100-disk-1.raw, volume name does not match requested format 'qcow2' (did you mean 'vm-100-disk-1.qcow2'?)",
        "base-100-disk-1.qcow2, is no base image",
        "snap-x-vm-100-disk-0.qcow2, is a snapshot filename",
        "vm 100, unable to parse volume filename",
        "100/sub/vm-100-disk-1.qcow2, unable to parse volume filename"
    })
    void refusesANameThatIsNoneForTheImage(String name, String reason) {
        Failing.isRefused(() -> rename(name), StorageError.INVALID_NAME, reason);
    }

    @Test
    void givesANameWithoutOneTheExtensionOfTheImage() {
        VolumeId renamed = plugin.renameVolume(storage, DISK, null, new VolumeName("vm-100-state"));

        assertThat(renamed.volume()).hasToString("100/vm-100-state.qcow2");
        assertThat(guest.resolve("vm-100-state.qcow2")).exists();
        assertThat(guest.resolve("vm-100-disk-0.qcow2")).doesNotExist();
    }

    @Test
    void refusesANameOfAnotherGuest() {
        Failing.isRefused(
                () -> plugin.renameVolume(storage, DISK, new Vmid(101), new VolumeName("102/vm-102-disk-0.qcow2")),
                StorageError.INVALID_NAME,
                "the name is not of guest 101");
    }

    @Test
    void refusesABaseImageAndWhatIsNoImage() throws IOException {
        Files.createFile(guest.resolve("base-100-disk-3.raw"));

        Failing.isRefused(
                () -> plugin.renameVolume(storage, new VolumeName("100/base-100-disk-3.raw"), new Vmid(101), null),
                StorageError.NOT_SUPPORTED,
                "unable to rename base volume 'store:100/base-100-disk-3.raw'");
        Failing.isRefused(
                () -> plugin.renameVolume(storage, new VolumeName("iso/a.iso"), new Vmid(101), null),
                StorageError.NOT_SUPPORTED,
                "rename_volume on wrong vtype 'iso'");
        Failing.isRefused(
                () -> plugin.renameVolume(storage, new VolumeName("100/missing.raw"), new Vmid(101), null),
                StorageError.NOT_FOUND,
                "does not exist");
        assertThat(directory.resolve("images/101")).doesNotExist();
    }

    @Test
    void refusesADirectoryOfAGuestThatLeadsOutOfTheStorage(@TempDir Path elsewhere) throws IOException {
        Path link = Files.createSymbolicLink(directory.resolve("images/101"), elsewhere);

        Failing.isRefused(
                () -> plugin.renameVolume(storage, DISK, new Vmid(101), null), StorageError.UNSAFE_IMAGE, "101");

        assertThat(elsewhere).isEmptyDirectory();
        Files.delete(link);
    }

    private void rename(String name) {
        plugin.renameVolume(storage, DISK, null, new VolumeName(name));
    }
}
