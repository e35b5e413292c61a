package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.LoopFileSystem;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import dev.tenon.core.testing.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A file system that is full, or becomes full in the middle: nothing half made is left and nothing is lost. */
class DirFullTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final SnapshotName FIRST = new SnapshotName("first");
    private static final SnapshotName SECOND = new SnapshotName("second");

    @TempDir
    Path scratch;

    private final DirPlugin plugin = new DirPlugin();
    private LoopFileSystem disk;
    private Storage storage;

    @BeforeEach
    void mount() throws IOException {
        disk = LoopFileSystem.make(scratch, "ext4", 24, "-q", "-m", "0", "-O", "^has_journal");
        storage = Storages.at(disk.root());
    }

    @AfterEach
    void unmount() {
        if (disk != null) {
            disk.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"full", "falloc"})
    void makesNoImageThatDoesNotFit(String preallocation) {
        Storage preallocating = Storages.at(disk.root(), "preallocation", preallocation);
        List<String> before = Trees.of(disk.root());

        for (Format.Image format : List.of(Format.Image.RAW, Format.Image.QCOW2)) {
            isFull(() -> plugin.allocImage(preallocating, GUEST, format, null, ByteSize.ofKib(64 * 1024)));
        }
        assertThat(Trees.of(disk.root())).isEqualTo(before);
        assertThat(names()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(
            value = Format.Image.class,
            names = {"QCOW2", "VMDK", "SUBVOL"})
    void makesNothingWhereThereIsNoSpace(Format.Image format) throws IOException {
        disk.fill();
        List<String> before = Trees.of(disk.root());

        isFull(() -> plugin.allocImage(
                storage, GUEST, format, null, ByteSize.ofKib(format == Format.Image.SUBVOL ? 0 : 1024)));
        assertThat(Trees.of(disk.root())).isEqualTo(before);
    }

    @Test
    void makesNoCloneWhereThereIsNoSpace() throws IOException {
        VolumeName base = plugin.createBase(storage, image());
        try {
            disk.fill();
            List<String> before = Trees.of(disk.root());

            isFull(() -> plugin.cloneImage(storage, base, GUEST, null));
            isFull(() -> plugin.cloneImage(storage, base, new Vmid(101), null));
            assertThat(Trees.of(disk.root())).isEqualTo(before);
            assertThat(names()).containsExactly(base.value());
        } finally {
            plugin.freeImage(storage, base, true, null);
        }
    }

    @Test
    void takesNoSnapshotWhereThereIsNoSpace() throws IOException {
        VolumeName volume = image();
        disk.fill();

        isFull(() -> plugin.snapshotVolume(storage, volume, FIRST));
        assertThat(plugin.snapshots(storage, volume)).isEmpty();
        isWhatItWas(volume, 1);
    }

    @Test
    void takesNoSnapshotOfAChainWhereThereIsNoSpace() throws IOException {
        Storage chained = chained();
        VolumeName volume = image();
        disk.fill();
        List<String> before = Trees.of(disk.root());

        isFull(() -> plugin.snapshotVolume(chained, volume, FIRST));
        assertThat(Trees.of(disk.root())).isEqualTo(before);
        assertThat(plugin.snapshots(chained, volume)).containsOnlyKeys("current");
        isWhatItWas(volume, 1);
    }

    @Test
    void keepsTheImageIfItCannotBeRolledBackInAChain() throws IOException {
        Storage chained = chained();
        VolumeName volume = image();
        plugin.snapshotVolume(chained, volume, FIRST);
        Qemu.fill(file(volume), "qcow2", 2);
        disk.fill();
        List<String> before = Trees.of(disk.root());

        isFull(() -> plugin.rollback(chained, volume, FIRST));
        assertThat(Trees.of(disk.root())).isEqualTo(before);
        isWhatItWas(volume, 2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2"})
    void makesNoImageLargerThanTheFileSystem(String format) throws IOException {
        Storage preallocating = Storages.at(disk.root(), "preallocation", "full");
        VolumeName volume = plugin.allocImage(
                storage, GUEST, Format.Image.ofWord(format).orElseThrow(), null, ByteSize.ofKib(1024));
        Qemu.fill(file(volume), format, 1);

        isFull(() -> plugin.resizeVolume(preallocating, volume, ByteSize.ofKib(64 * 1024), false, null));
        assertThat(plugin.volumeSizeInfo(storage, volume, null).size()).isEqualTo(ByteSize.ofKib(1024));
        assertThat(Qemu.isFilled(file(volume), format, 1)).isTrue();
    }

    @Test
    void losesNothingIfASnapshotCannotTakeInItsChild() throws IOException {
        Storage chained = chained();
        VolumeName volume = image();
        plugin.snapshotVolume(chained, volume, FIRST);
        fillMore(volume);
        disk.fill();

        Failing.fails(
                () -> plugin.deleteSnapshot(chained, volume, FIRST, false),
                StorageError.NO_SPACE,
                Outcome.UNKNOWN,
                "snapshot 'first' may hold newer data now, and can only be deleted again");
        assertThat(plugin.snapshots(chained, volume)).containsOnlyKeys("current", "first");
        hasMore(volume);

        disk.empty();
        plugin.deleteSnapshot(chained, volume, FIRST, false);
        assertThat(plugin.snapshots(chained, volume)).containsOnlyKeys("current");
        hasMore(volume);
    }

    @Test
    void losesNothingIfAnImageCannotTakeInTheSnapshotBelow() throws IOException {
        Storage chained = chained();
        VolumeName volume = image();
        plugin.snapshotVolume(chained, volume, FIRST);
        fillMore(volume);
        plugin.snapshotVolume(chained, volume, SECOND);
        disk.fill();

        Failing.fails(
                () -> plugin.deleteSnapshot(chained, volume, SECOND, false),
                StorageError.NO_SPACE,
                Outcome.FAILED_CLEAN,
                "unable to rebase image");
        assertThat(plugin.snapshots(chained, volume)).containsOnlyKeys("current", "first", "second");
        hasMore(volume);

        disk.empty();
        plugin.deleteSnapshot(chained, volume, SECOND, false);
        assertThat(plugin.snapshots(chained, volume)).containsOnlyKeys("current", "first");
        hasMore(volume);
    }

    @Test
    void renamesNothingIntoADirectoryThatCannotBeMade() throws IOException {
        VolumeName volume = image();
        disk.fill();
        List<String> before = Trees.of(disk.root());

        isFull(() -> plugin.renameVolume(storage, volume, new Vmid(101), null));
        assertThat(Trees.of(disk.root())).isEqualTo(before);
    }

    @Test
    void keepsTheNotesThatItCannotReplace() throws IOException {
        String backup = "vzdump-qemu-100-2024_01_02-03_04_05.vma";
        Files.createDirectories(disk.root().resolve("dump"));
        Files.createFile(disk.root().resolve("dump").resolve(backup));
        VolumeName volume = new VolumeName("backup/" + backup);
        plugin.updateAttribute(storage, volume, VolumeAttribute.NOTES, "as before");
        disk.fill();
        List<String> before = Trees.of(disk.root());

        isFull(() -> plugin.updateAttribute(storage, volume, VolumeAttribute.NOTES, "n".repeat(10_000)));
        assertThat(Trees.of(disk.root())).isEqualTo(before);
        assertThat(plugin.attribute(storage, volume, VolumeAttribute.NOTES)).hasValue("as before");
    }

    @Test
    void tellsWhyItsDirectoriesCannotBeMade() throws IOException {
        disk.fill();

        isFull(() -> plugin.activateStorage(
                Storages.at(disk.root(), "content", "iso,vztmpl,backup,snippets,import"), OperationCache.create()));
    }

    @Test
    void changesNothingWhereNothingCanBeWritten() throws IOException {
        VolumeName volume = image();
        VolumeName base = plugin.createBase(
                storage, plugin.allocImage(storage, new Vmid(102), Format.Image.RAW, null, ByteSize.ofKib(1024)));
        String backup = "vzdump-qemu-100-2024_01_02-03_04_05.vma";
        Files.createDirectories(disk.root().resolve("dump"));
        Files.createFile(disk.root().resolve("dump").resolve(backup));
        Storage chained = chained();
        disk.makeReadOnly();
        List<String> before = Trees.of(disk.root());

        isReadOnly(() -> plugin.activateStorage(Storages.at(disk.root(), "content", "iso"), OperationCache.create()));
        isReadOnly(() -> plugin.allocImage(storage, GUEST, Format.Image.QCOW2, null, ByteSize.ofKib(1024)));
        isReadOnly(() -> plugin.allocImage(storage, new Vmid(103), Format.Image.RAW, null, ByteSize.ofKib(1024)));
        isReadOnly(() -> plugin.allocImage(storage, GUEST, Format.Image.SUBVOL, null, ByteSize.ofKib(0)));
        isReadOnly(() -> plugin.cloneImage(storage, base, GUEST, null));
        isReadOnly(() -> plugin.createBase(storage, volume));
        isReadOnly(() -> plugin.freeImage(storage, volume, false, null));
        isReadOnly(() -> plugin.freeImage(storage, base, true, null));
        isReadOnly(() -> plugin.renameVolume(storage, volume, null, new VolumeName("100/vm-100-disk-7.qcow2")));
        isReadOnly(() -> plugin.resizeVolume(storage, volume, ByteSize.ofKib(1 << 20), false, null));
        isReadOnly(() -> plugin.snapshotVolume(storage, volume, FIRST));
        isReadOnly(() -> plugin.snapshotVolume(chained, volume, FIRST));
        VolumeName archive = new VolumeName("backup/" + backup);
        isReadOnly(() -> plugin.updateAttribute(storage, archive, VolumeAttribute.NOTES, "some"));
        isReadOnly(() -> plugin.updateAttribute(storage, archive, VolumeAttribute.PROTECTED, "1"));
        isReadOnly(() -> plugin.freeImage(storage, archive, false, null));

        assertThat(Trees.of(disk.root())).isEqualTo(before);
        plugin.activateVolume(storage, volume, null, OperationCache.create(), Hints.NONE);
        assertThat(names()).containsExactlyInAnyOrder(volume.value(), base.value());
    }

    private static void isReadOnly(ThrowingCallable call) {
        assertThatThrownBy(call)
                .hasMessageContaining("Read-only file system")
                .hasMessageNotContaining("\n")
                .isInstanceOfSatisfying(
                        StorageException.class,
                        failure -> assertThat(failure.outcome()).isNotEqualTo(Outcome.UNKNOWN));
    }

    private static void isFull(ThrowingCallable call) {
        Failing.fails(call, StorageError.NO_SPACE, Outcome.FAILED_CLEAN, "No space left on device");
    }

    private Storage chained() {
        return Storages.at(disk.root(), "snapshot-as-volume-chain", "1");
    }

    /** An image of 8 MiB whose first 64 KiB are ones. */
    private VolumeName image() {
        VolumeName volume = plugin.allocImage(storage, GUEST, Format.Image.QCOW2, null, ByteSize.ofKib(8 * 1024));
        Qemu.fill(file(volume), "qcow2", 1);
        return volume;
    }

    private Path file(VolumeName volume) {
        return Path.of(plugin.path(storage, volume, null).path());
    }

    private void isWhatItWas(VolumeName volume, int value) {
        assertThat(Qemu.isFilled(file(volume), "qcow2", value)).isTrue();
        Qemu.run(scratch, List.of("qemu-img", "check", "-q", file(volume).toString()));
    }

    /** Writes 4 MiB of threes behind the ones. */
    private void fillMore(VolumeName volume) {
        Qemu.run(
                scratch,
                List.of(
                        "qemu-io",
                        "-f",
                        "qcow2",
                        "-c",
                        "write -P 3 1M 4M",
                        file(volume).toString()));
    }

    private void hasMore(VolumeName volume) {
        assertThat(Qemu.isFilled(file(volume), "qcow2", 1)).isTrue();
        assertThat(Qemu.run(
                        scratch,
                        List.of(
                                "qemu-io",
                                "-f",
                                "qcow2",
                                "-c",
                                "read -P 3 1M 4M",
                                file(volume).toString())))
                .doesNotContain("Pattern verification failed");
    }

    private List<String> names() {
        return plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                .map(image -> image.volid().volume().value())
                .toList();
    }
}
