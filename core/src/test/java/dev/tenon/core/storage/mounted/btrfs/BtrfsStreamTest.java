package dev.tenon.core.storage.mounted.btrfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.ProcessIdentity;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Remedy;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.core.testing.LoopFileSystem;
import dev.tenon.core.testing.Qemu;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;

/** Volumes of btrfs leave and arrive with their snapshots, and what interrupted work left is found. */
@TestInstance(Lifecycle.PER_CLASS)
class BtrfsStreamTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final SnapshotName ONE = new SnapshotName("one");
    private static final SnapshotName TWO = new SnapshotName("two");
    private static final VolumeName ARRIVED = new VolumeName("200/vm-200-disk-0.raw");

    private final BtrfsPlugin plugin = new BtrfsPlugin();

    private Path scratch = Path.of("/unset");
    private @Nullable LoopFileSystem files;
    private int storages;
    private Storage storage = storage(Path.of("/unset"));
    private VolumeName disk = new VolumeName("unset/unset.raw");

    private static Storage storage(Path path) {
        return Storage.of("nas", "btrfs", Map.of("path", path.toString(), "content", Map.of("images", "1")));
    }

    @BeforeAll
    void mount(@TempDir Path directory) throws IOException {
        scratch = directory;
        files = LoopFileSystem.make(scratch, "btrfs", 256, "-q");
    }

    @BeforeEach
    void makeDiskWithSnapshots() throws IOException {
        storages++;
        storage = storage(Objects.requireNonNull(files).root().resolve("storage-" + storages));
        plugin.activateStorage(storage, OperationCache.create());
        disk = plugin.allocImage(storage, GUEST, Image.RAW, null, ByteSize.ofKib(1024));
        write(disk, "one");
        plugin.snapshotVolume(storage, disk, ONE);
        write(disk, "two");
        plugin.snapshotVolume(storage, disk, TWO);
        write(disk, "now");
    }

    @AfterAll
    void unmount() {
        if (files != null) {
            files.close();
        }
    }

    private Path file(VolumeName volume, @Nullable SnapshotName snapshot) {
        return Path.of(plugin.path(storage, volume, snapshot).path());
    }

    private void write(VolumeName volume, String text) throws IOException {
        try (FileChannel channel = FileChannel.open(file(volume, null), StandardOpenOption.WRITE)) {
            channel.write(StandardCharsets.US_ASCII.encode(text));
        }
    }

    private void holds(VolumeName volume, @Nullable SnapshotName snapshot, String text) throws IOException {
        assertThat(file(volume, snapshot)).hasSize(1 << 20);
        try (InputStream content = Files.newInputStream(file(volume, snapshot))) {
            assertThat(content.readNBytes(3)).asString().isEqualTo(text);
        }
    }

    private Path exported(Transfer transfer) throws IOException {
        return exported(disk, transfer);
    }

    private Path exported(VolumeName volume, Transfer transfer) throws IOException {
        Path stream = Files.createTempFile(scratch, "", ".stream");
        assertThat(plugin.exportFormats(storage, volume, transfer)).first().isEqualTo("btrfs");
        try (Descriptor descriptor = Descriptor.openForWriting(stream);
                DescriptorExport export = new DescriptorExport(descriptor, StreamSettings.USUAL)) {
            plugin.exportVolume(storage, volume, "btrfs", transfer, export);
        }
        return stream;
    }

    private VolumeName imported(Path stream, VolumeName wanted, Transfer transfer, boolean allowRename)
            throws IOException {
        assertThat(plugin.importFormats(storage, wanted, transfer)).first().isEqualTo("btrfs");
        try (Descriptor descriptor = Descriptor.openForReading(stream);
                DescriptorImport incoming = new DescriptorImport(descriptor, StreamSettings.USUAL)) {
            VolumeId made = plugin.importVolume(storage, wanted, "btrfs", transfer, allowRename, incoming);
            assertThat(made.storage()).isEqualTo(storage.id());
            return made.volume();
        }
    }

    private static Transfer at(@Nullable SnapshotName snapshot, @Nullable SnapshotName base, boolean withSnapshots) {
        return new Transfer(snapshot, base, withSnapshots);
    }

    private List<String> entries(Vmid guest) throws IOException {
        try (Stream<Path> entries = Files.list(file(new VolumeName(guest + "/vm-" + guest + "-disk-0.raw"), null)
                .resolve("../..")
                .normalize())) {
            return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
        }
    }

    private void leavesNothing(StorageError error, ThrowingCallable call) throws IOException {
        List<String> before = entries(GUEST);
        StorageException failure = catchThrowableOfType(StorageException.class, call);
        assertThat(failure.error()).as(failure.getMessage()).isEqualTo(error);
        assertThat(failure.outcome()).as(failure.getMessage()).isNotEqualTo(Outcome.UNKNOWN);
        assertThat(entries(GUEST)).isEqualTo(before);
        assertThat(file(ARRIVED, null).resolve("../..").normalize()).doesNotExist();
    }

    @Test
    void aSnapshotArrivesAsAVolumeWithThatSnapshot() throws IOException {
        Path stream = exported(at(ONE, null, false));
        assertThat(imported(stream, ARRIVED, at(ONE, null, false), false)).isEqualTo(ARRIVED);
        holds(ARRIVED, null, "one");
        holds(ARRIVED, ONE, "one");
        assertThat(plugin.snapshots(storage, ARRIVED)).containsOnlyKeys("one");
        assertThat(entries(new Vmid(200))).containsExactly("vm-200-disk-0", "vm-200-disk-0@one");
        write(ARRIVED, "new");
        plugin.rollback(storage, ARRIVED, ONE);
        holds(ARRIVED, null, "one");
        plugin.freeImage(storage, ARRIVED, false, null);
        assertThat(file(ARRIVED, null).resolve("../..").normalize()).doesNotExist();
    }

    @Test
    void allSnapshotsArriveIfTheyAreWanted() throws IOException {
        Path stream = exported(at(TWO, null, true));
        imported(stream, ARRIVED, at(TWO, null, true), false);
        holds(ARRIVED, null, "two");
        holds(ARRIVED, ONE, "one");
        holds(ARRIVED, TWO, "two");
        assertThat(plugin.snapshots(storage, ARRIVED)).containsOnlyKeys("one", "two");
        holds(disk, null, "now");
    }

    @Test
    void aVolumeIsBroughtForwardByWhatHasChangedSinceASnapshot() throws IOException {
        imported(exported(at(ONE, null, false)), ARRIVED, at(ONE, null, false), false);
        Transfer difference = at(TWO, ONE, false);
        Path stream = exported(difference);
        assertThat(Files.size(stream)).isLessThan(100_000);
        write(ARRIVED, "new");
        imported(stream, ARRIVED, difference, false);
        holds(ARRIVED, null, "two");
        holds(ARRIVED, ONE, "one");
        holds(ARRIVED, TWO, "two");
        assertThat(entries(new Vmid(200))).containsExactly("vm-200-disk-0", "vm-200-disk-0@one", "vm-200-disk-0@two");
        Path further = exported(ARRIVED, at(TWO, ONE, false));
        plugin.deleteSnapshot(storage, ARRIVED, TWO, false);
        imported(further, ARRIVED, difference, false);
        holds(ARRIVED, TWO, "two");
    }

    @Test
    void aContainerArrivesAsOne() throws IOException {
        VolumeName container = plugin.allocImage(storage, GUEST, Image.SUBVOL, null, ByteSize.ofBytes(0));
        Files.writeString(file(container, null).resolve("file"), "in it");
        plugin.snapshotVolume(storage, container, ONE);
        Path stream = exported(container, at(ONE, null, false));
        VolumeName wanted = new VolumeName("200/subvol-200-disk-0.subvol");
        imported(stream, wanted, at(ONE, null, false), false);
        assertThat(file(wanted, null).resolve("file")).hasContent("in it");
        assertThat(file(wanted, ONE).resolve("file")).hasContent("in it");
        plugin.freeImage(storage, wanted, false, null);
        leavesNothing(
                StorageError.STREAM_BROKEN,
                () -> imported(stream, new VolumeName("300/vm-300-disk-0.raw"), at(ONE, null, false), false));
    }

    @Test
    void whatArrivesReplacesNothing() throws IOException {
        Transfer transfer = at(ONE, null, false);
        Path stream = exported(transfer);
        leavesNothing(StorageError.ALREADY_EXISTS, () -> imported(stream, disk, transfer, false));
        VolumeName other = imported(stream, disk, transfer, true);
        assertThat(other).isEqualTo(new VolumeName("100/vm-100-disk-1.raw"));
        holds(disk, null, "now");
        holds(other, ONE, "one");
        plugin.freeImage(storage, other, false, null);
        Qemu.run(
                null,
                List.of("btrfs", "-q", "subvolume", "snapshot", "-r", subvolume(disk, ONE), placed("disk-1@one")));
        VolumeName beside = new VolumeName("100/vm-100-disk-1.raw");
        leavesNothing(StorageError.ALREADY_EXISTS, () -> imported(stream, beside, transfer, false));
    }

    private String subvolume(VolumeName volume, @Nullable SnapshotName snapshot) {
        return file(volume, snapshot).resolve("..").normalize().toString();
    }

    private String placed(String name) {
        return subvolume(disk, null).replaceFirst("disk-0$", name);
    }

    @Test
    void aStreamThatIsCutOrIsNoneMakesNothing() throws IOException {
        Transfer transfer = at(TWO, null, true);
        Path stream = exported(transfer);
        long size = Files.size(stream);
        for (long length : List.of(0L, 5L, 17L, size / 2, size - 1, size - 10)) {
            Path cut = Files.copy(stream, scratch.resolve("cut-" + length));
            try (FileChannel channel = FileChannel.open(cut, StandardOpenOption.WRITE)) {
                channel.truncate(length);
            }
            leavesNothing(StorageError.STREAM_BROKEN, () -> imported(cut, ARRIVED, transfer, false));
        }
        Path none = Files.writeString(scratch.resolve("none"), "this is no stream of btrfs at all");
        StorageException failure =
                catchThrowableOfType(StorageException.class, () -> imported(none, ARRIVED, transfer, false));
        assertThat(failure).hasMessageContaining("btrfs receive failed: ERROR: ");
    }

    @Test
    void aStreamMustHoldTheSnapshotThatIsExpected() throws IOException {
        Path stream = exported(at(ONE, null, false));
        leavesNothing(StorageError.STREAM_BROKEN, () -> imported(stream, ARRIVED, at(TWO, null, false), false));
        Path difference = exported(at(TWO, ONE, false));
        leavesNothing(StorageError.NOT_FOUND, () -> imported(difference, ARRIVED, at(TWO, ONE, false), false));
    }

    @Test
    void onlySnapshotsOfSubvolumesLeaveSo() {
        assertThat(plugin.exportFormats(storage, disk, at(null, null, false))).containsExactly("raw+size");
        assertThat(plugin.exportFormats(storage, disk, at(TWO, ONE, true))).isEmpty();
        assertThat(plugin.exportFormats(storage, new VolumeName("100/vm-100-disk-1.qcow2"), at(ONE, null, false)))
                .isEmpty();
        assertThat(plugin.importFormats(storage, ARRIVED, at(null, null, false)))
                .containsExactly("raw+size");
    }

    @Test
    void aRollbackThatWasInterruptedIsFoundAndLeavesNoSecondImage() throws IOException {
        ProcessIdentity own = ProcessIdentity.own();
        ProcessIdentity ended = new ProcessIdentity(own.node(), own.boot(), own.pid(), own.start() - 1);
        Path left = Files.createDirectory(Path.of(placed("x")).resolveSibling(".tenon-" + ended + "-0123456789abcdef"));
        Qemu.run(null, List.of("btrfs", "-q", "subvolume", "snapshot", subvolume(disk, ONE), left + "/vm-100-disk-0"));
        assertThat(plugin.listImages(storage, ImageFilter.all(), OperationCache.create()))
                .hasSize(1);

        Finding finding = onlyFinding();
        assertThat(finding.place()).isEqualTo(left.toString());
        ((Remedy.Automatic) finding.remedy()).work().run();

        assertThat(left).doesNotExist();
        holds(disk, null, "now");
        assertThat(plugin.examinable().orElseThrow().examine(storage, List.of()))
                .isEmpty();
    }

    @Test
    void whatPvesOwnPluginLeavesIsFoundAndLeftToAPerson() throws IOException {
        Path rollback = Path.of(placed("disk-0.tmp.4711"));
        Qemu.run(null, List.of("btrfs", "-q", "subvolume", "snapshot", subvolume(disk, ONE), rollback.toString()));
        assertThat(onlyFinding())
                .satisfies(finding -> assertThat(finding.place()).isEqualTo(rollback.toString()))
                .satisfies(finding -> assertThat(finding.remedy().words()).contains("btrfs subvolume delete"));
        Qemu.run(null, List.of("btrfs", "-q", "subvolume", "delete", rollback.toString()));
        Path receiving = Files.createDirectory(rollback.resolveSibling("recv.100.tmp"));
        assertThat(onlyFinding().place()).isEqualTo(receiving.toString());
        assertThat(receiving).exists();
    }

    private Finding onlyFinding() {
        List<Finding> findings = plugin.examinable().orElseThrow().examine(storage, List.of());
        assertThat(findings).hasSize(1);
        assertThat(findings.getFirst().kind()).isEqualTo(Finding.Kind.UNFINISHED);
        return findings.getFirst();
    }

    @Test
    void aRollbackThatWouldTakeOtherSubvolumesWithItIsRefused() throws IOException {
        VolumeName container = plugin.allocImage(storage, GUEST, Image.SUBVOL, null, ByteSize.ofBytes(0));
        plugin.snapshotVolume(storage, container, ONE);
        Path nested = file(container, null).resolve("nested");
        Qemu.run(null, List.of("btrfs", "-q", "subvolume", "create", nested.toString()));
        Files.writeString(nested.resolve("file"), "kept");
        leavesNothing(StorageError.IN_USE, () -> plugin.rollback(storage, container, ONE));
        assertThat(nested.resolve("file")).hasContent("kept");
    }

    @Test
    void imagesOfOtherFormatsAreFiles() {
        VolumeName volume = plugin.allocImage(storage, GUEST, Image.QCOW2, null, ByteSize.ofKib(1024));
        assertThat(volume).isEqualTo(new VolumeName("100/vm-100-disk-1.qcow2"));
        assertThat(file(volume, null)).isRegularFile();
        plugin.snapshotVolume(storage, volume, ONE);
        assertThat(plugin.snapshots(storage, volume)).containsOnlyKeys("one");
    }
}
