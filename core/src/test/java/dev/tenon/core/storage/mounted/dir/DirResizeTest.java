package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DirResizeTest {
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

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2"})
    void makesAnImageLarger(String format) {
        VolumeName disk = disk(format);

        resize(disk, 8 << 20);

        assertThat(size(format)).isEqualTo(8 << 20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2"})
    void roundsUpToKib(String format) {
        resize(disk(format), (8 << 20) + 1);

        assertThat(size(format)).isEqualTo((8 << 20) + 1024);
    }

    @Test
    void preallocatesAsTheStorageSays() throws IOException {
        VolumeName disk = disk("raw");

        plugin.resizeVolume(
                Storages.at(directory, "preallocation", "falloc"), disk, ByteSize.ofKib(8 * 1024), false, null);

        assertThat((Long) Qemu.info(guest.resolve("disk.raw"), "raw").actualSize())
                .isGreaterThanOrEqualTo(4 << 20);
    }

    @Test
    void keepsASizeThatItHasAlready() {
        resize(disk("raw"), 4 << 20);

        assertThat(size("raw")).isEqualTo(4 << 20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2"})
    void neverCutsOffTheEndOfAnImage(String format) {
        VolumeName disk = disk(format);

        Failing.isRefused(() -> resize(disk, 1 << 20), StorageError.BAD_PARAMETER, "unable to shrink volume 'store:");

        assertThat(size(format)).isEqualTo(4 << 20);
    }

    @Test
    void leavesTheImageOfARunningGuestToQemu() {
        plugin.resizeVolume(storage, disk("raw"), ByteSize.ofKib(8 * 1024), true, null);

        assertThat(size("raw")).isEqualTo(4 << 20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"100/a.vmdk", "100/a.subvol", "snippets/a"})
    void refusesWhatCannotBeResized(String volume) {
        Failing.isRefused(
                () -> resize(new VolumeName(volume), 1 << 20),
                StorageError.NOT_SUPPORTED,
                volume.startsWith("snippets") ? "volume_resize on wrong vtype" : "can't resize this image format");
    }

    @Test
    void refusesASnapshotWithoutAChain() {
        VolumeName disk = disk("qcow2");

        Failing.isRefused(
                () -> plugin.resizeVolume(storage, disk, ByteSize.ofKib(8 * 1024), true, new SnapshotName("one")),
                StorageError.NOT_SUPPORTED,
                "resizing a snapshot is not supported for storage type 'dir' without 'snapshot-as-volume-chain'");
    }

    @Test
    void refusesAMissingImageAndOneThatIsNotOfItsFormat() throws IOException {
        Files.writeString(guest.resolve("bad.qcow2"), "garbage");

        Failing.isRefused(
                () -> resize(new VolumeName("100/missing.raw"), 1 << 20), StorageError.NOT_FOUND, "does not exist");
        Failing.isRefused(
                () -> resize(new VolumeName("100/bad.qcow2"), 1 << 20),
                StorageError.UNSAFE_IMAGE,
                "Image is not in qcow2 format");
    }

    @Test
    void refusesAnImageThatLeadsOutOfTheStorage(@TempDir Path elsewhere) throws IOException {
        Path target = Files.write(elsewhere.resolve("target.raw"), new byte[512]);
        Path link = Files.createSymbolicLink(guest.resolve("link.raw"), target);

        Failing.isRefused(
                () -> resize(new VolumeName("100/link.raw"), 1 << 20), StorageError.UNSAFE_IMAGE, target.toString());

        assertThat(target).hasSize(512);
        Files.delete(link);
    }

    @Test
    void tellsThatAGuestUsesTheImage() throws IOException {
        VolumeName disk = disk("qcow2");
        try (Closeable _ = Qemu.open(guest.resolve("disk.qcow2"))) {
            Failing.fails(
                    () -> resize(disk, 8 << 20), StorageError.IN_USE, Outcome.FAILED_CLEAN, "unable to resize image");
        }
        assertThat(size("qcow2")).isEqualTo(4 << 20);
    }

    @Test
    void tellsThatNothingChangedIfTheSizeIsTooLarge() {
        VolumeName disk = disk("qcow2");

        Failing.fails(
                () -> plugin.resizeVolume(storage, disk, ByteSize.ofKib(1L << 52), false, null),
                StorageError.COMMAND_FAILED,
                Outcome.FAILED_CLEAN,
                "unable to resize image");
    }

    private VolumeName disk(String format) {
        Qemu.create(guest, "-f", format, "disk." + format, "4M");
        return new VolumeName("100/disk." + format);
    }

    private void resize(VolumeName volume, long bytes) {
        plugin.resizeVolume(storage, volume, ByteSize.ofBytes(bytes), false, null);
    }

    private long size(String format) {
        return Qemu.info(guest.resolve("disk." + format), format).virtualSize();
    }
}
