package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotInfo;
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
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Snapshots that are files beside their image. */
class DirSnapshotChainTest {
    private static final String NAME = "vm-100-disk-0.qcow2";
    private static final VolumeName DISK = new VolumeName("100/" + NAME);
    private static final SnapshotName ONE = new SnapshotName("one");
    private static final SnapshotName TWO = new SnapshotName("two");
    private static final SnapshotName THREE = new SnapshotName("three");
    private static final SnapshotName CURRENT = new SnapshotName("current");

    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private Storage storage = Storages.at(Path.of("/unset"));
    private Path guest = Path.of("/unset");
    private Path disk = Path.of("/unset");

    @BeforeEach
    void makeStorage() throws IOException {
        storage = Storages.at(directory, "snapshot-as-volume-chain", "1");
        guest = Files.createDirectories(directory.resolve("images/100"));
        disk = guest.resolve(NAME);
        Qemu.create(guest, "-f", "qcow2", NAME, "8M");
    }

    @Test
    void putsANewImageOnTopOfTheOldOne() throws IOException {
        Qemu.fill(disk, "qcow2", 1);

        plugin.snapshotVolume(storage, DISK, ONE);

        assertThat(files()).containsExactly("snap-one-" + NAME, NAME);
        Qemu.Info info = Qemu.info(disk, "qcow2");
        assertThat(info.backingFile()).isEqualTo("snap-one-" + NAME);
        assertThat(info.backingFormat()).isEqualTo("qcow2");
        assertThat(info.virtualSize()).isEqualTo(8 << 20);
        assertThat(Qemu.isFilled(disk, "qcow2", 1)).isTrue();
    }

    @Test
    void tellsTheChainAsPveDoes() {
        plugin.snapshotVolume(storage, DISK, ONE);
        plugin.resizeVolume(storage, DISK, ByteSize.ofKib(16 * 1024), false, null);
        plugin.snapshotVolume(storage, DISK, TWO);

        Map<String, SnapshotInfo> chain = plugin.snapshots(storage, DISK);

        assertThat(chain.keySet()).containsExactly("current", "two", "one");
        assertThat(info(chain, "current").virtualSize()).isEqualTo(ByteSize.ofKib(16 * 1024));
        assertThat(info(chain, "two").virtualSize()).isEqualTo(ByteSize.ofKib(16 * 1024));
        assertThat(info(chain, "one").virtualSize()).isEqualTo(ByteSize.ofKib(8 * 1024));
        assertThat(info(chain, "current").other())
                .isEqualTo(Map.of(
                        "order",
                        0L,
                        "file",
                        disk.toString(),
                        "volname",
                        "100/" + NAME,
                        "volid",
                        "store:100/" + NAME,
                        "parent",
                        "two"));
        assertThat(info(chain, "two").other())
                .isEqualTo(Map.of(
                        "order",
                        1L,
                        "file",
                        guest + "/snap-two-" + NAME,
                        "volname",
                        "100/snap-two-" + NAME,
                        "volid",
                        "store:100/snap-two-" + NAME,
                        "parent",
                        "one",
                        "child",
                        "current"));
        assertThat(info(chain, "one").other()).containsEntry("child", "two").doesNotContainKey("parent");
    }

    @Test
    void tellsAnImageWithoutSnapshotsAsItIsNow() {
        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("current");
    }

    @Test
    void tellsAnImageThatTakesNoSnapshotsAsItIsNow() throws IOException {
        Qemu.create(guest, "-f", "raw", "vm-100-disk-1.raw", "4M");
        VolumeName raw = new VolumeName("100/vm-100-disk-1.raw");

        Map<String, SnapshotInfo> infos = plugin.snapshots(storage, raw);

        assertThat(infos).containsOnlyKeys("current");
        assertThat(info(infos, "current").virtualSize()).isEqualTo(ByteSize.ofKib(4 * 1024));
    }

    @Test
    void leavesTheBaseOfALinkedCloneOutOfTheChain() throws IOException {
        Files.createDirectories(directory.resolve("images/9000"));
        Qemu.create(directory.resolve("images/9000"), "-f", "qcow2", "base-9000-disk-0.qcow2", "4M");
        Qemu.create(guest, "-f", "qcow2", "-b", "../9000/base-9000-disk-0.qcow2", "-F", "qcow2", "vm-100-disk-1.qcow2");
        VolumeName clone = new VolumeName("9000/base-9000-disk-0.qcow2/100/vm-100-disk-1.qcow2");
        plugin.snapshotVolume(storage, clone, ONE);

        assertThat(plugin.snapshots(storage, clone).keySet()).containsExactly("current", "one");

        plugin.deleteSnapshot(storage, clone, ONE, false);
        assertThat(Qemu.info(guest.resolve("vm-100-disk-1.qcow2"), "qcow2").backingFile())
                .isEqualTo("../9000/base-9000-disk-0.qcow2");
    }

    @Test
    void goesBackToTheNewestSnapshotAlone() throws IOException {
        Qemu.fill(disk, "qcow2", 1);
        plugin.snapshotVolume(storage, DISK, ONE);
        Qemu.fill(disk, "qcow2", 2);
        plugin.snapshotVolume(storage, DISK, TWO);
        Qemu.fill(disk, "qcow2", 3);

        assertThat(plugin.rollbackIsPossible(storage, DISK, TWO)).isEqualTo(new Rollback.Possible());
        plugin.rollback(storage, DISK, TWO);

        assertThat(Qemu.isFilled(disk, "qcow2", 2)).isTrue();
        assertThat(files()).containsExactly("snap-one-" + NAME, "snap-two-" + NAME, NAME);
        assertThat(plugin.rollbackIsPossible(storage, DISK, ONE))
                .isEqualTo(new Rollback.Blocked(
                        "can't rollback, 'one' is not most recent snapshot on 'store:" + DISK + "'", List.of(TWO)));
        Failing.isRefused(
                () -> plugin.rollback(storage, DISK, ONE),
                StorageError.IN_USE,
                "can't rollback, 'one' is not most recent snapshot on");
        Failing.isRefused(
                () -> plugin.rollback(storage, DISK, THREE),
                StorageError.NOT_FOUND,
                "can't rollback, snapshot 'three' does not exist on");
    }

    @Test
    void keepsWhatIsThereWhenItDeletesTheOldestSnapshot() throws IOException {
        Qemu.fill(disk, "qcow2", 1);
        plugin.snapshotVolume(storage, DISK, ONE);
        plugin.snapshotVolume(storage, DISK, TWO);
        Qemu.fill(disk, "qcow2", 3);

        plugin.deleteSnapshot(storage, DISK, ONE, false);

        assertThat(files()).containsExactly("snap-two-" + NAME, NAME);
        assertThat(Qemu.isFilled(disk, "qcow2", 3)).isTrue();
        assertThat(Qemu.isFilled(guest.resolve("snap-two-" + NAME), "qcow2", 1)).isTrue();

        plugin.deleteSnapshot(storage, DISK, TWO, false);

        assertThat(files()).containsExactly(NAME);
        assertThat(Qemu.isFilled(disk, "qcow2", 3)).isTrue();
        assertThat(Qemu.info(disk, "qcow2").backingFile()).isNull();
    }

    @Test
    void keepsTheSizeWhenItDeletesASmallerSnapshot() {
        plugin.snapshotVolume(storage, DISK, ONE);
        plugin.resizeVolume(storage, DISK, ByteSize.ofKib(32 * 1024), false, null);

        plugin.deleteSnapshot(storage, DISK, ONE, false);

        assertThat(Qemu.info(disk, "qcow2").virtualSize()).isEqualTo(32 << 20);
    }

    @Test
    void keepsWhatIsThereWhenItDeletesASnapshotInTheMiddle() throws IOException {
        Qemu.fill(disk, "qcow2", 1);
        plugin.snapshotVolume(storage, DISK, ONE);
        Qemu.fill(disk, "qcow2", 2);
        plugin.snapshotVolume(storage, DISK, TWO);

        plugin.deleteSnapshot(storage, DISK, TWO, false);

        assertThat(files()).containsExactly("snap-one-" + NAME, NAME);
        assertThat(Qemu.isFilled(disk, "qcow2", 2)).isTrue();
        assertThat(Qemu.isFilled(guest.resolve("snap-one-" + NAME), "qcow2", 1)).isTrue();
        assertThat(plugin.snapshots(storage, DISK).keySet()).containsExactly("current", "one");
    }

    @Test
    void removesOnlyTheFileOfASnapshotThatQemuTookOut() throws IOException {
        plugin.snapshotVolume(storage, DISK, ONE);
        Qemu.run(guest, List.of("qemu-img", "rebase", "-f", "qcow2", "-b", "", NAME));

        plugin.deleteSnapshot(storage, DISK, ONE, true);

        assertThat(files()).containsExactly(NAME);
        Failing.fails(
                () -> plugin.deleteSnapshot(storage, DISK, ONE, true),
                StorageError.NOT_FOUND,
                Outcome.FAILED_CLEAN,
                "snap-one-" + NAME);
    }

    /** QEMU has written a running guest's image into its only snapshot, and goes on with that. */
    @Test
    void removesTheImageThatQemuHasLeftForItsOnlySnapshot() throws IOException {
        plugin.snapshotVolume(storage, DISK, ONE);

        plugin.deleteSnapshot(storage, DISK, CURRENT, true);
        assertThat(files()).containsExactly("snap-one-" + NAME);
        plugin.renameSnapshot(storage, DISK, ONE, CURRENT);

        assertThat(files()).containsExactly(NAME);
    }

    @Test
    void renamesASnapshotFile() throws IOException {
        plugin.snapshotVolume(storage, DISK, ONE);
        Files.delete(disk);

        plugin.renameSnapshot(storage, DISK, ONE, CURRENT);
        assertThat(files()).containsExactly(NAME);

        plugin.renameSnapshot(storage, DISK, CURRENT, TWO);
        plugin.renameSnapshot(storage, DISK, TWO, THREE);
        assertThat(files()).containsExactly("snap-three-" + NAME);
    }

    @Test
    void neverRenamesASnapshotOverAnother() {
        plugin.snapshotVolume(storage, DISK, ONE);
        plugin.snapshotVolume(storage, DISK, TWO);

        Failing.fails(
                () -> plugin.renameSnapshot(storage, DISK, ONE, TWO),
                StorageError.ALREADY_EXISTS,
                Outcome.FAILED_CLEAN,
                "target snapshot 'two' already exists");
        Failing.fails(
                () -> plugin.renameSnapshot(storage, DISK, THREE, new SnapshotName("four")),
                StorageError.NOT_FOUND,
                Outcome.FAILED_CLEAN,
                "snapshot 'three' does not exist on");
    }

    @Test
    void refusesASnapshotThatExistsOrHasTheReservedName() throws IOException {
        Files.createFile(guest.resolve("snap-one-" + NAME));

        Failing.isRefused(
                () -> plugin.snapshotVolume(storage, DISK, ONE),
                StorageError.ALREADY_EXISTS,
                "snapshot 'one' already exists");
        Failing.isRefused(() -> plugin.snapshotVolume(storage, DISK, CURRENT), StorageError.INVALID_NAME, "'current'");
        Failing.isRefused(
                () -> plugin.deleteSnapshot(storage, DISK, CURRENT, false), StorageError.INVALID_NAME, "'current'");
        Failing.isRefused(
                () -> plugin.deleteSnapshot(storage, DISK, ONE, false),
                StorageError.NOT_FOUND,
                "snapshot 'one' does not exist on");
        assertThat(files()).containsExactly("snap-one-" + NAME, NAME);
    }

    @Test
    void putsTheImageBackIfNothingCanBePutOnTopOfIt() throws IOException {
        Storage bad = Storages.at(directory, "snapshot-as-volume-chain", "1", "preallocation", "much");

        Failing.isRefused(() -> plugin.snapshotVolume(bad, DISK, ONE), StorageError.BAD_CONFIG, "'much'");

        assertThat(files()).containsExactly(NAME);
    }

    @Test
    void changesNothingIfAGuestUsesTheImage() throws IOException {
        Qemu.fill(disk, "qcow2", 1);
        plugin.snapshotVolume(storage, DISK, ONE);
        plugin.snapshotVolume(storage, DISK, TWO);
        try (Closeable _ = Qemu.open(disk)) {
            Failing.fails(
                    () -> plugin.deleteSnapshot(storage, DISK, TWO, false),
                    StorageError.IN_USE,
                    Outcome.FAILED_CLEAN,
                    "unable to rebase image");
            Failing.fails(
                    () -> plugin.deleteSnapshot(storage, DISK, ONE, false),
                    StorageError.IN_USE,
                    Outcome.FAILED_CLEAN,
                    "unable to commit image");
        }
        assertThat(files()).containsExactly("snap-one-" + NAME, "snap-two-" + NAME, NAME);
    }

    @Test
    void tellsWhichSnapshotOfAChainIsMissing() throws IOException {
        plugin.snapshotVolume(storage, DISK, ONE);
        Files.delete(guest.resolve("snap-one-" + NAME));

        Failing.isRefused(() -> plugin.snapshots(storage, DISK), StorageError.NOT_FOUND, "snap-one-" + NAME);
    }

    @Test
    void refusesASnapshotFileThatLeadsOutOfTheStorage(@TempDir Path elsewhere) throws IOException {
        plugin.snapshotVolume(storage, DISK, ONE);
        Path snapshot = guest.resolve("snap-one-" + NAME);
        Path secret = Files.move(snapshot, elsewhere.resolve("secret"));
        Files.createSymbolicLink(snapshot, secret);

        for (Runnable call : List.<Runnable>of(
                () -> plugin.snapshots(storage, DISK),
                () -> plugin.rollback(storage, DISK, ONE),
                () -> plugin.snapshotVolume(storage, DISK, TWO),
                () -> plugin.deleteSnapshot(storage, DISK, ONE, false),
                () -> plugin.deleteSnapshot(storage, DISK, ONE, true),
                () -> plugin.renameSnapshot(storage, DISK, ONE, TWO),
                () -> plugin.resizeVolume(storage, DISK, ByteSize.ofKib(1 << 20), false, ONE))) {
            Failing.isRefused(call::run, StorageError.UNSAFE_IMAGE, guest.toString());
        }
        Files.delete(snapshot);
        assertThat(secret).exists();
    }

    @Test
    void refusesToMakeABaseOrToRenameWhileThereAreSnapshots() {
        plugin.snapshotVolume(storage, DISK, ONE);

        Failing.isRefused(
                () -> plugin.createBase(storage, DISK),
                StorageError.NOT_SUPPORTED,
                "create_base not possible with snapshots");
        Failing.isRefused(
                () -> plugin.renameVolume(storage, DISK, null, new VolumeName("vm-100-disk-7.qcow2")),
                StorageError.NOT_SUPPORTED,
                "delete its snapshots first");
    }

    @Test
    void resizesASnapshotThatTakesInALargerOne() throws IOException {
        plugin.snapshotVolume(storage, DISK, ONE);

        plugin.resizeVolume(storage, DISK, ByteSize.ofKib(16 * 1024), false, ONE);

        assertThat(Qemu.info(guest.resolve("snap-one-" + NAME), "qcow2").virtualSize())
                .isEqualTo(16 << 20);
        assertThat(Qemu.info(disk, "qcow2").virtualSize()).isEqualTo(8 << 20);
    }

    @Test
    void removesItsSnapshotsWithAnImage() throws IOException {
        plugin.snapshotVolume(storage, DISK, ONE);
        plugin.snapshotVolume(storage, DISK, TWO);

        plugin.freeImage(storage, DISK, false, null);

        assertThat(guest).doesNotExist();
    }

    private static SnapshotInfo info(Map<String, SnapshotInfo> chain, String name) {
        SnapshotInfo info = chain.get(name);
        if (info == null) {
            throw new AssertionError("no " + name + " in " + chain);
        }
        return info;
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(guest)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }
}
