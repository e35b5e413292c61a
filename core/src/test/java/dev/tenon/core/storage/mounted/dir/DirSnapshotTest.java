package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotMethod;
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
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Snapshots inside qcow2 images. */
class DirSnapshotTest {
    private static final VolumeName DISK = new VolumeName("100/vm-100-disk-0.qcow2");
    private static final SnapshotName ONE = new SnapshotName("one");
    private static final SnapshotName TWO = new SnapshotName("two");

    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private Storage storage = Storages.at(Path.of("/unset"));
    private Path guest = Path.of("/unset");
    private Path disk = Path.of("/unset");

    @BeforeEach
    void makeStorage() throws IOException {
        storage = Storages.at(directory);
        guest = Files.createDirectories(directory.resolve("images/100"));
        disk = guest.resolve("vm-100-disk-0.qcow2");
        Qemu.create(guest, "-f", "qcow2", "vm-100-disk-0.qcow2", "8M");
    }

    @Test
    void takesSnapshotsAndTellsThem() {
        long before = Instant.now().getEpochSecond();
        plugin.snapshotVolume(storage, DISK, ONE);
        plugin.snapshotVolume(storage, DISK, TWO);

        Map<String, SnapshotInfo> snapshots = plugin.snapshots(storage, DISK);

        assertThat(snapshots).containsOnlyKeys("one", "two");
        assertThat(snapshots.values()).allSatisfy(info -> {
            assertThat(info.id()).isNull();
            assertThat(info.timestamp()).isBetween(before, Instant.now().getEpochSecond());
            assertThat(info.virtualSize()).isEqualTo(ByteSize.ofKib(8 * 1024));
            assertThat(info.other()).isEmpty();
        });
        assertThat(guest).isDirectoryContaining("glob:**/vm-100-disk-0.qcow2");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void refusesANameThatNoSnapshotCanHaveWhateverTheMethod(boolean hasChain) {
        Storage taking = hasChain ? Storages.at(directory, "snapshot-as-volume-chain", "1") : storage;
        for (int length : List.of(41, 120, 255, 5000)) {
            Failing.isRefused(
                    () -> plugin.snapshotVolume(taking, DISK, new SnapshotName("n".repeat(length))),
                    StorageError.INVALID_NAME,
                    "it has " + length + " characters and the most allowed is 40");
        }
        Failing.isRefused(
                () -> plugin.snapshotVolume(taking, DISK, new SnapshotName("current")),
                StorageError.INVALID_NAME,
                "no snapshot can be called 'current'");

        SnapshotName longest = new SnapshotName("n".repeat(40));
        plugin.snapshotVolume(taking, DISK, longest);
        assertThat(plugin.snapshots(taking, DISK)).containsKey(longest.value());
        if (hasChain) {
            Failing.isRefused(
                    () -> plugin.renameSnapshot(taking, DISK, longest, new SnapshotName("n".repeat(41))),
                    StorageError.INVALID_NAME,
                    "the most allowed is 40");
        }
    }

    /** Somebody else may have taken it. */
    @Test
    void deletesASnapshotWhoseNameIsTooLongForANewOne() {
        String name = "n".repeat(60);
        Qemu.run(guest, List.of("qemu-img", "snapshot", "-c", name, disk.toString()));

        plugin.deleteSnapshot(storage, DISK, new SnapshotName(name), false);

        assertThat(plugin.snapshots(storage, DISK)).isEmpty();
    }

    @Test
    void changesNoImageThatHasASecondName() throws IOException {
        plugin.snapshotVolume(storage, DISK, ONE);
        Path other = Files.createLink(directory.resolve("elsewhere"), disk);
        byte[] before = Files.readAllBytes(other);

        for (ThrowingCallable change : List.<ThrowingCallable>of(
                () -> plugin.resizeVolume(storage, DISK, ByteSize.ofKib(16 * 1024), false, null),
                () -> plugin.snapshotVolume(storage, DISK, TWO),
                () -> plugin.rollback(storage, DISK, ONE),
                () -> plugin.deleteSnapshot(storage, DISK, ONE, false),
                () -> plugin.createBase(storage, DISK))) {
            Failing.isRefused(change, StorageError.UNSAFE_IMAGE, "has 2 names (hard links)");
        }
        assertThat(Files.readAllBytes(other)).isEqualTo(before);
        assertThat(plugin.volumeSizeInfo(storage, DISK, null).size()).isEqualTo(ByteSize.ofKib(8 * 1024));

        plugin.freeImage(storage, DISK, false, null);
        assertThat(other).exists();
    }

    @Test
    void goesBackToWhatItWas() {
        Qemu.fill(disk, "qcow2", 1);
        plugin.snapshotVolume(storage, DISK, ONE);
        Qemu.fill(disk, "qcow2", 2);

        assertThat(plugin.rollbackIsPossible(storage, DISK, ONE)).isEqualTo(new Rollback.Possible());
        plugin.rollback(storage, DISK, ONE);

        assertThat(Qemu.isFilled(disk, "qcow2", 1)).isTrue();
        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("one");
    }

    @Test
    void goesBackToAnyOfSeveral() {
        Qemu.fill(disk, "qcow2", 1);
        plugin.snapshotVolume(storage, DISK, ONE);
        Qemu.fill(disk, "qcow2", 2);
        plugin.snapshotVolume(storage, DISK, TWO);

        plugin.rollback(storage, DISK, ONE);

        assertThat(Qemu.isFilled(disk, "qcow2", 1)).isTrue();
        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("one", "two");
    }

    @Test
    void deletesASnapshot() {
        plugin.snapshotVolume(storage, DISK, ONE);
        plugin.snapshotVolume(storage, DISK, TWO);

        plugin.deleteSnapshot(storage, DISK, ONE, false);

        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("two");
    }

    @Test
    void leavesASnapshotOfARunningGuestToQemu() {
        plugin.snapshotVolume(storage, DISK, ONE);

        plugin.deleteSnapshot(storage, DISK, ONE, true);

        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("one");
    }

    @Test
    void worksOnAFileWithACommaInItsName() {
        Qemu.create(guest, "-f", "qcow2", "a,file.driver=raw,b.qcow2", "1M");
        VolumeName odd = new VolumeName("100/a,file.driver=raw,b.qcow2");

        plugin.snapshotVolume(storage, odd, ONE);

        assertThat(plugin.snapshots(storage, odd)).containsOnlyKeys("one");
    }

    @Test
    void refusesASecondSnapshotOfTheSameName() {
        plugin.snapshotVolume(storage, DISK, ONE);

        Failing.isRefused(
                () -> plugin.snapshotVolume(storage, DISK, ONE),
                StorageError.ALREADY_EXISTS,
                "snapshot 'one' already exists on 'store:" + DISK + "'");
    }

    @Test
    void refusesASnapshotThatIsNotThere() {
        Failing.isRefused(
                () -> plugin.rollback(storage, DISK, ONE),
                StorageError.NOT_FOUND,
                "snapshot 'one' does not exist on 'store:" + DISK + "'");
        Failing.isRefused(
                () -> plugin.deleteSnapshot(storage, DISK, ONE, false),
                StorageError.NOT_FOUND,
                "snapshot 'one' does not exist on");
    }

    @Test
    void refusesANameThatQemuWouldTakeForANumber() {
        Failing.isRefused(
                () -> plugin.snapshotVolume(storage, DISK, new SnapshotName("2")),
                StorageError.INVALID_NAME,
                "snapshot name '2' is a number");
        Qemu.run(guest, List.of("qemu-img", "snapshot", "-c", "one", disk.toString()));
        Qemu.run(guest, List.of("qemu-img", "snapshot", "-c", "1", disk.toString()));

        Failing.isRefused(
                () -> plugin.rollback(storage, DISK, new SnapshotName("1")),
                StorageError.NOT_SUPPORTED,
                "can't rollback to '1'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"100/vm-100-disk-1.raw", "100/vm-100-disk-1.vmdk", "100/subvol-100-disk-1.subvol", "iso/a.iso"})
    void refusesEverythingThatIsNoQcow2Image(String name) {
        VolumeName volume = new VolumeName(name);

        for (Runnable call : List.<Runnable>of(
                () -> plugin.snapshotVolume(storage, volume, ONE),
                () -> plugin.rollback(storage, volume, ONE),
                () -> plugin.deleteSnapshot(storage, volume, ONE, false))) {
            Failing.isRefused(call::run, StorageError.NOT_SUPPORTED, "can't snapshot this image format");
        }
    }

    @Test
    void tellsThatARawImageHasNoSnapshots() throws IOException {
        Files.createFile(guest.resolve("a.raw"));

        assertThat(plugin.snapshots(storage, new VolumeName("100/a.raw"))).isEmpty();
        Failing.isRefused(
                () -> plugin.snapshots(storage, new VolumeName("100/missing.raw")),
                StorageError.NOT_FOUND,
                "volume 'store:100/missing.raw' does not exist");
        Failing.isRefused(
                () -> plugin.snapshots(storage, new VolumeName("iso/a.iso")),
                StorageError.NOT_SUPPORTED,
                "volume_snapshot_info on wrong vtype 'iso'");
    }

    @Test
    void refusesAMissingImage() {
        VolumeName missing = new VolumeName("100/missing.qcow2");

        Failing.isRefused(() -> plugin.snapshotVolume(storage, missing, ONE), StorageError.NOT_FOUND, "does not exist");
        Failing.isRefused(() -> plugin.snapshots(storage, missing), StorageError.NOT_FOUND, "does not exist");
    }

    @Test
    void refusesAnImageThatNamesAFileOutsideTheStorage(@TempDir Path elsewhere) throws IOException {
        Path secret = Files.write(elsewhere.resolve("secret"), new byte[1024]);
        Qemu.create(guest, "-f", "qcow2", "-u", "-b", secret.toString(), "-F", "raw", "bad.qcow2", "1M");
        VolumeName bad = new VolumeName("100/bad.qcow2");

        for (Runnable call : List.<Runnable>of(
                () -> plugin.snapshotVolume(storage, bad, ONE),
                () -> plugin.rollback(storage, bad, ONE),
                () -> plugin.deleteSnapshot(storage, bad, ONE, false),
                () -> plugin.snapshots(storage, bad))) {
            Failing.isRefused(call::run, StorageError.UNSAFE_IMAGE, secret.toString());
        }
    }

    @Test
    void refusesAnImageThatAGuestUses() throws IOException {
        plugin.snapshotVolume(storage, DISK, ONE);
        try (Closeable _ = Qemu.open(disk)) {
            Failing.fails(
                    () -> plugin.snapshotVolume(storage, DISK, TWO),
                    StorageError.IN_USE,
                    Outcome.FAILED_CLEAN,
                    "unable to take snapshot 'two'");
            Failing.fails(
                    () -> plugin.rollback(storage, DISK, ONE),
                    StorageError.IN_USE,
                    Outcome.FAILED_CLEAN,
                    "Is another process using the image");
        }
        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("one");
    }

    @Test
    void refusesToRenameASnapshotInsideAnImage() {
        plugin.snapshotVolume(storage, DISK, ONE);

        Failing.isRefused(
                () -> plugin.renameSnapshot(storage, DISK, ONE, TWO),
                StorageError.NOT_SUPPORTED,
                "unable to rename snapshot 'one'");
    }

    @Test
    void leavesSnapshotsOfRunningGuestsToQemuOrMakesThemItself() {
        Storage chains = Storages.at(directory, "snapshot-as-volume-chain", "1");
        VolumeName raw = new VolumeName("100/vm-100-disk-1.raw");

        assertThat(plugin.snapshotMethod(storage, DISK)).isEqualTo(SnapshotMethod.QEMU);
        assertThat(plugin.snapshotMethod(storage, raw)).isEqualTo(SnapshotMethod.STORAGE);
        assertThat(plugin.snapshotMethod(chains, DISK)).isEqualTo(SnapshotMethod.MIXED);
        assertThat(plugin.snapshotMethod(chains, raw)).isEqualTo(SnapshotMethod.STORAGE);
        assertThat(plugin.snapshotNeedsFreeze()).isFalse();
    }
}
