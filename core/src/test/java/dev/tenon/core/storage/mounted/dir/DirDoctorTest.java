package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.doctor.Doctor;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.linux.ProcessIdentity;
import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Finding.Remedy;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.directory.DirectoryPlugin;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Interrupted;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the doctor finds in a directory storage after every kind of interrupted work, and what it makes of it. The file is
 * long because there are so many kinds.
 */
class DirDoctorTest {
    private static final String NAME = "vm-100-disk-0.qcow2";
    private static final VolumeName DISK = new VolumeName("100/" + NAME);
    private static final Vmid GUEST = new Vmid(100);
    private static final SnapshotName ONE = new SnapshotName("one");
    private static final SnapshotName TWO = new SnapshotName("two");
    private static final int CLUSTER = 65_536;
    private static final int REFCOUNTS = 2 * CLUSTER;

    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private final List<String> locked = new ArrayList<>();
    private Journal journal = new Journal(Path.of("/unset"));
    private Doctor doctor = new Doctor(journal);
    private Storage storage = Storages.at(Path.of("/unset"));
    private Path guest = Path.of("/unset");
    private Path disk = Path.of("/unset");

    private final ExclusiveLock lock = new ExclusiveLock() {
        @Override
        public <T extends @Nullable Object> T hold(@Nullable Duration timeout, Supplier<T> work) {
            locked.add("locked");
            return work.get();
        }
    };

    @BeforeEach
    void makeStorage() throws IOException {
        Path path = Files.createDirectory(directory.resolve("store"));
        storage = Storages.at(path, "snapshot-as-volume-chain", "1");
        journal = new Journal(directory.resolve("journal"));
        doctor = new Doctor(journal);
        guest = Files.createDirectories(path.resolve("images/100"));
        disk = guest.resolve(NAME);
        Qemu.create(guest, "-f", "qcow2", NAME, "8M");
        Qemu.fill(disk, "qcow2", 1);
    }

    private void interrupt(Consumer<StoragePlugin> operation) {
        Interrupted.begin(journal, plugin, operation);
    }

    private void take(SnapshotName snapshot, int laterFill) {
        plugin.snapshotVolume(storage, DISK, snapshot);
        Qemu.fill(disk, "qcow2", laterFill);
    }

    private Path snapshot(SnapshotName name) {
        return guest.resolve("snap-" + name + "-" + NAME);
    }

    private List<Kind> found() {
        return kinds(doctor.examine(storage, plugin));
    }

    private static List<Kind> kinds(List<Finding> findings) {
        return findings.stream().map(Finding::kind).sorted().toList();
    }

    /** Repairs everything, and leaves nothing to find. */
    private List<Kind> repaired() {
        Doctor.Report report = doctor.repair(storage, plugin, lock);
        assertThat(report.left()).isEmpty();
        assertThat(doctor.examine(storage, plugin)).isEmpty();
        assertThat(locked).hasSameSizeAs(report.repaired());
        assertThat(journal.directory()).isEmptyDirectory();
        return kinds(report.repaired());
    }

    /** Repairs nothing, and leaves every file as it is. */
    private List<Finding> onlyTold() throws IOException {
        List<String> before = everything();
        Doctor.Report report = doctor.repair(storage, plugin, lock);
        assertThat(report.repaired()).isEmpty();
        assertThat(everything()).isEqualTo(before);
        assertThat(report.left())
                .filteredOn(finding -> finding.kind() != Kind.INTERRUPTED)
                .allSatisfy(finding -> assertThat(finding.remedy()).isInstanceOf(Remedy.ByHand.class));
        return report.left();
    }

    private List<String> everything() throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve("store"))) {
            return files.map(file -> file + " " + lastModified(file)).sorted().toList();
        }
    }

    private static String lastModified(Path file) {
        try {
            return Files.getLastModifiedTime(file).toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path staging(Path parent, ProcessIdentity process) throws IOException {
        return Files.createDirectory(parent.resolve(".tenon-" + process + "-0123456789abcdef"));
    }

    private static ProcessIdentity dead() {
        ProcessIdentity own = ProcessIdentity.own();
        return new ProcessIdentity(own.node(), own.boot(), own.pid(), own.start() - 1);
    }

    @Test
    void findsNothingInAStorageWhereEverythingWasFinished() throws IOException {
        take(ONE, 2);
        take(TWO, 3);
        plugin.deleteSnapshot(storage, DISK, ONE, false);
        VolumeName image = plugin.allocImage(storage, GUEST, Format.Image.RAW, null, ByteSize.ofKib(64));
        VolumeName base = plugin.createBase(storage, image);
        plugin.cloneImage(storage, base, new Vmid(101), null);
        plugin.allocImage(storage, GUEST, Format.Image.SUBVOL, null, ByteSize.ofBytes(0));
        Path dump = Files.createDirectory(directory.resolve("store/dump"));
        Files.writeString(dump.resolve("vzdump-qemu-100-2026_01_02-03_04_05.vma.zst"), "backup");
        Files.writeString(dump.resolve("vzdump-qemu-100-2026_01_02-03_04_05.vma.zst.notes"), "notes");
        Files.createFile(dump.resolve("vzdump-qemu-100-2026_01_02-03_04_05.vma.zst.protected"));
        Files.writeString(dump.resolve("vzdump-qemu-100-2026_01_02-03_04_06.log"), "of a backup that failed");
        Files.writeString(guest.resolve("notes.txt"), "of somebody");

        assertThat(doctor.examine(storage, plugin)).isEmpty();
        assertThat(doctor.repair(storage, plugin, lock)).isEqualTo(new Doctor.Report(List.of(), List.of()));
        Qemu.run(null, List.of("sh", "-c", "chattr -i " + guest + "/base-* || true"));
    }

    @Test
    void removesWhatADeadProcessWasMakingAndTheDirectoryItMadeForIt() throws IOException {
        Path other = Files.createDirectory(directory.resolve("store/images/101"));
        Path left = staging(other, dead());
        Files.writeString(left.resolve("vm-101-disk-0.raw"), "half");
        Files.createDirectories(left.resolve("subvol-101-disk-0.subvol/etc"));
        Path mine = staging(guest, ProcessIdentity.own());
        Path nodes = staging(guest, new ProcessIdentity("another", "00000000", 1, 1));

        assertThat(found()).containsExactly(Kind.UNFINISHED);
        assertThat(repaired()).containsExactly(Kind.UNFINISHED, Kind.DIRECTORY_EMPTY);
        assertThat(other).doesNotExist();
        assertThat(mine).exists();
        assertThat(nodes).exists();
    }

    @Test
    void activationSweepsWhatADeadProcessWasMaking() throws IOException {
        Path left = staging(guest, dead());
        Path mine = staging(guest, ProcessIdentity.own());

        plugin.activateStorage(storage, OperationCache.create());

        assertThat(left).doesNotExist();
        assertThat(mine).exists();
    }

    @Test
    void takesBackASnapshotThatOnlyGotItsName() throws IOException {
        interrupt(dir -> dir.snapshotVolume(storage, DISK, ONE));
        Files.createLink(snapshot(ONE), disk);

        assertThat(found()).containsExactly(Kind.SECOND_NAME, Kind.INTERRUPTED);
        assertThat(repaired()).containsExactly(Kind.SECOND_NAME, Kind.INTERRUPTED);
        assertThat(snapshot(ONE)).doesNotExist();
        assertThat(Qemu.isFilled(disk, "qcow2", 1)).isTrue();
    }

    @Test
    void aSnapshotThatOnlyGotItsNameCanBeTakenAgain() throws IOException {
        Files.createLink(snapshot(ONE), disk);

        take(ONE, 2);

        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("current", "one");
        assertThat(Qemu.isFilled(snapshot(ONE), "qcow2", 1)).isTrue();
        assertThat(Qemu.isFilled(disk, "qcow2", 2)).isTrue();
    }

    @Test
    void givesAnImageItsNameBackThatBecameASnapshotAndNothingElse() throws IOException {
        interrupt(dir -> dir.snapshotVolume(storage, DISK, ONE));
        Files.move(disk, snapshot(ONE));

        assertThat(repaired()).containsExactly(Kind.IMAGE_MISSING, Kind.INTERRUPTED);
        assertThat(Qemu.isFilled(disk, "qcow2", 1)).isTrue();
        assertThat(snapshot(ONE)).doesNotExist();
    }

    @Test
    void onlyTellsOfSnapshotsWhoseImageIsMissingForAnUnknownReason() throws IOException {
        take(ONE, 2);
        Files.delete(disk);

        assertThat(onlyTold()).singleElement().satisfies(finding -> {
            assertThat(finding.kind()).isEqualTo(Kind.IMAGE_MISSING);
            assertThat(finding.certainty()).isEqualTo(Finding.Certainty.LIKELY);
            assertThat(finding.remedy().words()).contains("qemu-img create");
        });
        String command = doctor.examine(storage, plugin).getFirst().remedy().words();
        Qemu.run(guest, List.of("sh", "-c", command.substring(command.indexOf("cd "))));
        assertThat(doctor.examine(storage, plugin)).isEmpty();
        assertThat(Qemu.isFilled(disk, "qcow2", 1)).isTrue();
    }

    @Test
    void removesTheFileOfASnapshotThatWasTakenOutOfTheChain() throws IOException {
        take(ONE, 2);
        take(TWO, 3);
        interrupt(dir -> dir.deleteSnapshot(storage, DISK, TWO, false));
        QemuImg.rebase(disk, String.valueOf(snapshot(ONE).getFileName()), ByteSize.ofKib(8192));

        assertThat(repaired()).containsExactly(Kind.SNAPSHOT_LEFT, Kind.INTERRUPTED);
        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("current", "one");
        assertThat(snapshot(TWO)).doesNotExist();
        assertThat(Qemu.isFilled(disk, "qcow2", 3)).isTrue();
    }

    @Test
    void onlyTellsOfASnapshotOutOfTheChainThatNobodyIsKnownToHaveDeleted() throws IOException {
        Qemu.create(guest, "-f", "qcow2", "snap-other-" + NAME, "8M");
        Qemu.create(guest, "-f", "qcow2", "snap-of-nothing.qcow2", "8M");
        interrupt(dir -> dir.deleteSnapshot(storage, DISK, new SnapshotName("another"), false));

        assertThat(doctor.repair(storage, plugin, lock).left())
                .extracting(Finding::kind)
                .containsExactly(Kind.SNAPSHOT_LEFT, Kind.SNAPSHOT_LEFT);
        assertThat(onlyTold()).hasSize(2);
    }

    @Test
    void anEntryDoesNotExplainAFileThatIsNewerThanItself() throws IOException {
        take(ONE, 2);
        interrupt(dir -> dir.deleteSnapshot(storage, DISK, ONE, false));
        plugin.deleteSnapshot(storage, DISK, ONE, false);
        take(ONE, 3);

        assertThat(repaired()).containsExactly(Kind.INTERRUPTED);
        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("current", "one");
        assertThat(Qemu.isFilled(snapshot(ONE), "qcow2", 2)).isTrue();
    }

    @Test
    void finishesTheDeletionOfTheOldestSnapshotWhereverItStopped() throws IOException {
        take(ONE, 2);
        take(TWO, 3);
        interrupt(dir -> dir.deleteSnapshot(storage, DISK, ONE, false));
        QemuImg.commit(snapshot(TWO), ByteSize.ofKib(8192));
        // the entry tells of the snapshot's file, whatever the configuration says today
        storage = Storages.at(directory.resolve("store"));

        assertThat(repaired()).containsExactly(Kind.SNAPSHOT_SPOILT, Kind.INTERRUPTED);
        storage = Storages.at(directory.resolve("store"), "snapshot-as-volume-chain", "1");
        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("current", "two");
        assertThat(Qemu.isFilled(snapshot(TWO), "qcow2", 2)).isTrue();
        assertThat(Qemu.isFilled(disk, "qcow2", 3)).isTrue();
    }

    @Test
    void removesTheSnapshotsOfAnImageThatWasBeingRemoved() throws IOException {
        take(ONE, 2);
        take(TWO, 3);
        interrupt(dir -> dir.freeImage(storage, DISK, false, Format.Image.QCOW2));
        Files.delete(disk);

        assertThat(repaired())
                .containsExactly(Kind.SNAPSHOT_LEFT, Kind.SNAPSHOT_LEFT, Kind.DIRECTORY_EMPTY, Kind.INTERRUPTED);
        assertThat(guest).doesNotExist();
    }

    @Test
    void forgetsARemovalThatWasInterruptedBeforeItBegan() throws IOException {
        take(ONE, 2);
        interrupt(dir -> dir.freeImage(storage, DISK, false, Format.Image.QCOW2));

        assertThat(repaired()).containsExactly(Kind.INTERRUPTED);
        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("current", "one");
    }

    @Test
    void protectsABaseImage() throws IOException {
        Path base = guest.resolve("base-100-disk-0.qcow2");
        interrupt(dir -> dir.createBase(storage, DISK));
        Files.move(disk, base);

        assertThat(repaired()).containsExactly(Kind.BASE_WRITABLE, Kind.INTERRUPTED);
        assertThat(Files.getPosixFilePermissions(base).toString()).doesNotContain("WRITE");
        plugin.freeImage(storage, new VolumeName("100/base-100-disk-0.qcow2"), true, Format.Image.QCOW2);
    }

    @Test
    void removesTheOldNameOfAnImageThatWasBeingRenamed() throws IOException {
        Path renamed = guest.resolve("vm-100-disk-7.qcow2");
        Files.createLink(renamed, disk);
        assertThat(onlyTold()).singleElement().satisfies(finding -> {
            assertThat(finding.kind()).isEqualTo(Kind.SECOND_NAME);
            assertThat(finding.what()).contains(disk.toString(), renamed.toString());
        });

        interrupt(dir -> dir.renameVolume(storage, DISK, GUEST, new VolumeName("100/vm-100-disk-7.qcow2")));
        locked.clear();
        assertThat(repaired()).containsExactly(Kind.SECOND_NAME, Kind.INTERRUPTED);
        assertThat(disk).doesNotExist();
        assertThat(Qemu.isFilled(renamed, "qcow2", 1)).isTrue();
    }

    @Test
    void onlyTellsOfImagesThatCannotBeRead() throws IOException {
        Files.writeString(guest.resolve("vm-100-disk-1.qcow2"), "no image");
        Files.createDirectory(guest.resolve("vm-100-disk-2.raw"));
        take(ONE, 2);
        Files.delete(snapshot(ONE));

        assertThat(onlyTold())
                .extracting(Finding::kind)
                .containsExactlyInAnyOrder(Kind.BACKING_MISSING, Kind.IMAGE_UNREADABLE, Kind.IMAGE_UNREADABLE);
    }

    @Test
    void givesBackTheSpaceThatAnInterruptedOperationLeaked() throws IOException {
        byte[] content = Arrays.copyOf(Files.readAllBytes(disk), 12 * CLUSTER);
        content[REFCOUNTS + 2 * 11 + 1] = 1;
        Files.write(disk, content);
        assertThat(QemuImg.check(disk, Format.Image.QCOW2)).isEqualTo(QemuImg.Health.LEAKS);
        assertThat(found()).isEmpty();
        interrupt(dir -> dir.resizeVolume(storage, DISK, ByteSize.ofKib(16_384), false, null));

        assertThat(repaired()).containsExactly(Kind.SPACE_LEAKED, Kind.INTERRUPTED);
        assertThat(QemuImg.check(disk, Format.Image.QCOW2)).isEqualTo(QemuImg.Health.GOOD);
        assertThat(Qemu.isFilled(disk, "qcow2", 1)).isTrue();
    }

    @Test
    void onlyTellsOfAnImageWhoseTablesContradictEachOtherAndKeepsTheEntry() throws IOException {
        Qemu.patch(disk, REFCOUNTS + 2 * 3 + 1, (byte) 0);
        interrupt(dir -> dir.rollback(storage, DISK, ONE));

        assertThat(onlyTold()).extracting(Finding::kind).containsExactly(Kind.IMAGE_CORRUPT, Kind.INTERRUPTED);
        assertThat(journal.interrupted()).hasSize(1);
    }

    @Test
    void leavesAnImageAloneThatSomebodyWorksOn() throws IOException {
        take(ONE, 2);
        interrupt(dir -> dir.deleteSnapshot(storage, DISK, ONE, false));
        try (Closeable _ = Qemu.open(disk)) {
            assertThat(onlyTold()).extracting(Finding::kind).containsExactly(Kind.IN_USE, Kind.INTERRUPTED);
        }

        assertThat(repaired()).containsExactly(Kind.SNAPSHOT_SPOILT, Kind.INTERRUPTED);
        assertThat(Qemu.isFilled(disk, "qcow2", 2)).isTrue();
    }

    @Test
    void removesWhatBelongsToABackupThatIsKnownToBeRemoved() throws IOException {
        Path dump = Files.createDirectory(directory.resolve("store/dump"));
        Path notes = Files.writeString(dump.resolve("vzdump-qemu-100-2026_01_02-03_04_05.vma.zst.notes"), "notes");
        Path mark = Files.createFile(dump.resolve("vzdump-qemu-100-2026_01_02-03_04_06.vma.zst.protected"));

        Doctor.Report report = doctor.repair(storage, plugin, lock);
        assertThat(report.repaired()).extracting(Finding::place).containsExactly(mark.toString());
        assertThat(report.left()).extracting(Finding::place).containsExactly(notes.toString());

        interrupt(dir -> dir.freeImage(
                storage, new VolumeName("backup/vzdump-qemu-100-2026_01_02-03_04_05.vma.zst"), false, null));
        locked.clear();
        assertThat(repaired()).containsExactly(Kind.SIDE_FILE_LEFT, Kind.INTERRUPTED);
        assertThat(dump).isEmptyDirectory();
    }

    /** Letters of one, two, three and four bytes; what was written is what their bytes are as letters, once more encoded. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "gr\u00fcn \u20ac",
                "\u00e9",
                "plain, then \ud83d\ude00\nand a line\n",
                "\u65e5\u672c",
                "\u00ff\u0080"
            })
    void undoesThatNotesWereEncodedTwice(String meant) throws IOException {
        Path dump = Files.createDirectory(directory.resolve("store/dump"));
        Path backup = Files.writeString(dump.resolve("vzdump-qemu-100-2026_01_02-03_04_05.vma.zst"), "a backup");
        Path notes = dump.resolve(backup.getFileName() + ".notes");
        String asLetters = new String(meant.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        Files.writeString(notes, asLetters);

        List<Finding> findings = doctor.examine(storage, plugin);
        assertThat(kinds(findings)).containsExactly(Kind.NOTES_ENCODED_TWICE);
        assertThat(findings.getFirst().certainty()).isEqualTo(Finding.Certainty.LIKELY);
        assertThat(findings.getFirst().what()).contains(backup.getFileName().toString());
        assertThat(notes).hasContent(asLetters);

        assertThat(repaired()).containsExactly(Kind.NOTES_ENCODED_TWICE);
        assertThat(Files.readString(notes)).isEqualTo(meant);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "plain", "gr\u00fcn \u20ac", "\u00e9", "na\u00efve", "\u00c3 alone", "\ud83d\ude00"})
    void leavesNotesThatAreAsTheyWereMeant(String notes) throws IOException {
        Path dump = Files.createDirectory(directory.resolve("store/dump"));
        Path backup = Files.writeString(dump.resolve("vzdump-qemu-100-2026_01_02-03_04_05.vma.zst"), "a backup");
        Files.writeString(dump.resolve(backup.getFileName() + ".notes"), notes);
        assertThat(doctor.examine(storage, plugin)).isEmpty();
    }

    @Test
    void notesThatAreNoUtf8AreAByteALetterAsInPve() throws IOException {
        Path dump = Files.createDirectory(directory.resolve("store/dump"));
        Path backup = Files.writeString(dump.resolve("vzdump-qemu-100-2026_01_02-03_04_05.vma.zst"), "a backup");
        Files.write(dump.resolve(backup.getFileName() + ".notes"), new byte[] {'c', 'a', 'f', (byte) 0xe9});
        assertThat(plugin.attribute(storage, new VolumeName("backup/" + backup.getFileName()), VolumeAttribute.NOTES))
                .contains("caf\u00e9");
        assertThat(doctor.examine(storage, plugin)).isEmpty();
    }

    @Test
    void tellsWhatARepairFailedWithAndKeepsTheEntry() throws IOException {
        interrupt(dir -> dir.snapshotVolume(storage, DISK, ONE));
        Files.createLink(snapshot(ONE), disk);
        ExclusiveLock held = new ExclusiveLock() {
            @Override
            public <T extends @Nullable Object> T hold(@Nullable Duration timeout, Supplier<T> work) {
                throw StorageException.refused(StorageError.IN_USE, "can't lock file 'x' - got timeout");
            }
        };

        Doctor.Report report = doctor.repair(storage, plugin, held);

        assertThat(report.repaired()).isEmpty();
        assertThat(kinds(report.left())).containsExactly(Kind.SECOND_NAME, Kind.INTERRUPTED);
        assertThat(report.left().getFirst().remedy().words())
                .isEqualTo("its repair (remove this name of it; the image stays) failed: can't lock file 'x' - got"
                        + " timeout");
        assertThat(repaired()).containsExactly(Kind.SECOND_NAME, Kind.INTERRUPTED);
    }

    @Test
    void neitherFindsNorRepairsWhatAnOperationHasNotFinished() throws Exception {
        Journal.Running running = journal.begin(
                Mutation.SNAPSHOT_VOLUME,
                storage.id(),
                "dir",
                Map.of("volume", DISK.value(), "snapshot", "one"),
                Map.of());
        Files.createLink(snapshot(ONE), disk);
        assertThat(found()).isEmpty();

        Thread ending = Thread.ofVirtual().unstarted(running::ended);
        Thread repairing = Thread.ofVirtual().start(() -> repaired());
        ending.start();
        ending.join();
        repairing.join();
        assertThat(snapshot(ONE)).doesNotExist();
    }

    @Test
    void canOnlyTellOfInterruptedWorkOfATypeThatCannotBeExamined() {
        StoragePlugin other = new DirectoryPlugin() {
            @Override
            public Optional<Examinable> examinable() {
                return Optional.empty();
            }
        };
        Interrupted.begin(journal, other, dir -> dir.freeImage(storage, DISK, false, null));

        assertThat(doctor.repair(storage, other, lock).left()).singleElement().satisfies(finding -> {
            assertThat(finding.kind()).isEqualTo(Kind.INTERRUPTED);
            assertThat(finding.what())
                    .startsWith("freeImage of storage 'store' (isBase='false', volume='" + DISK + "'), begun at ")
                    .endsWith(", was interrupted: process "
                            + ProcessHandle.current().pid() + " has ended; the storage lists no image '" + DISK
                            + "' now");
        });
        assertThat(doctor.others(Set.of(storage.id()))).isEmpty();
        assertThat(doctor.others(Set.of(new StorageId("elsewhere"))))
                .singleElement()
                .satisfies(finding -> assertThat(finding.remedy())
                        .isEqualTo(new Remedy.ByHand("examine storage 'store' too; if there is no such storage any"
                                + " more, run 'tenon doctor store --forget'")));
    }

    @Test
    void refusesAStorageThatIsNotThere() {
        Storage missing = Storages.at(directory.resolve("missing"));

        Failing.fails(
                () -> doctor.examine(missing, plugin),
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.NOT_STARTED,
                "does not exist or is unreachable");
    }
}
