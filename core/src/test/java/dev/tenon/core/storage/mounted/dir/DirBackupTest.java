package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is noted beside backups, and which backups are kept. */
class DirBackupTest {
    private static final String NAME = "vzdump-qemu-100-2024_02_29-01_02_03.vma.zst";
    private static final VolumeName BACKUP = new VolumeName("backup/" + NAME);

    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private final List<String> log = new ArrayList<>();
    private Storage storage = Storages.at(Path.of("/unset"));
    private Path dump = Path.of("/unset");

    @BeforeEach
    void makeStorage() throws IOException {
        storage = Storages.at(directory);
        dump = Files.createDirectories(directory.resolve("dump"));
    }

    @Test
    void keepsNotesBesideABackup() throws IOException {
        backup(NAME);
        assertThat(plugin.attribute(storage, BACKUP, VolumeAttribute.NOTES)).contains("");

        plugin.updateAttribute(storage, BACKUP, VolumeAttribute.NOTES, "before\nthe \u00fcpgrade");

        assertThat(plugin.attribute(storage, BACKUP, VolumeAttribute.NOTES)).contains("before\nthe \u00fcpgrade");
        Path notes = dump.resolve(NAME + ".notes");
        assertThat(notes).hasContent("before\nthe \u00fcpgrade");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(notes)))
                .isEqualTo("rw-r--r--");

        plugin.updateAttribute(storage, BACKUP, VolumeAttribute.NOTES, "after");
        assertThat(notes).hasContent("after");
        assertThat(files()).containsExactly(NAME, NAME + ".notes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "null"})
    void deletesNotesThatAreEmpty(String value) throws IOException {
        backup(NAME);
        plugin.updateAttribute(storage, BACKUP, VolumeAttribute.NOTES, "text");

        @Nullable String notes = value.equals("null") ? null : value;
        plugin.updateAttribute(storage, BACKUP, VolumeAttribute.NOTES, notes);
        plugin.updateAttribute(storage, BACKUP, VolumeAttribute.NOTES, notes);

        assertThat(files()).containsExactly(NAME);
    }

    @Test
    void protectsABackup() throws IOException {
        backup(NAME);
        assertThat(plugin.attribute(storage, BACKUP, VolumeAttribute.PROTECTED)).contains("0");

        plugin.updateAttribute(storage, BACKUP, VolumeAttribute.PROTECTED, "1");
        plugin.updateAttribute(storage, BACKUP, VolumeAttribute.PROTECTED, "1");

        assertThat(plugin.attribute(storage, BACKUP, VolumeAttribute.PROTECTED)).contains("1");
        assertThat(dump.resolve(NAME + ".protected")).isEmptyFile();
        Failing.isRefused(
                () -> plugin.freeImage(storage, BACKUP, false, null),
                StorageError.PERMISSION_DENIED,
                "cannot remove protected volume '" + BACKUP + "' on 'store'");

        plugin.updateAttribute(storage, BACKUP, VolumeAttribute.PROTECTED, "0");
        plugin.updateAttribute(storage, BACKUP, VolumeAttribute.PROTECTED, null);
        assertThat(files()).containsExactly(NAME);
    }

    @Test
    void notesNothingAboutOtherVolumes() throws IOException {
        VolumeName iso = new VolumeName("iso/a.iso");

        for (VolumeAttribute attribute : VolumeAttribute.values()) {
            assertThat(plugin.attribute(storage, iso, attribute)).isEmpty();
            Failing.isRefused(
                    () -> plugin.updateAttribute(storage, iso, attribute, "1"),
                    StorageError.NOT_SUPPORTED,
                    "only backups support attribute '" + attribute.word() + "'");
            Failing.isRefused(
                    () -> plugin.updateAttribute(storage, BACKUP, attribute, "1"),
                    StorageError.NOT_FOUND,
                    "volume 'store:" + BACKUP + "' does not exist");
        }
        assertThat(files()).isEmpty();
    }

    @Test
    void replacesALinkInTheNotesPlaceAndNotItsTarget(@TempDir Path elsewhere) throws IOException {
        backup(NAME);
        Path secret = Files.writeString(elsewhere.resolve("secret"), "secret");
        Files.createSymbolicLink(dump.resolve(NAME + ".notes"), secret);
        Failing.isRefused(
                () -> plugin.attribute(storage, BACKUP, VolumeAttribute.NOTES),
                StorageError.NOT_SUPPORTED,
                "it is no regular file");

        plugin.updateAttribute(storage, BACKUP, VolumeAttribute.NOTES, "mine");

        assertThat(secret).hasContent("secret");
        assertThat(dump.resolve(NAME + ".notes")).isRegularFile().hasContent("mine");
    }

    @Test
    void refusesNotesThatNobodyWroteByHand() throws IOException {
        backup(NAME);

        Failing.isRefused(
                () -> plugin.updateAttribute(storage, BACKUP, VolumeAttribute.NOTES, "x".repeat((1 << 20) + 1)),
                StorageError.BAD_PARAMETER,
                "they have 1048577 bytes");
        assertThat(files()).containsExactly(NAME);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            keep-last=2                  | 24-03-05 10, 24-03-05 09
            keep-hourly=3                | 24-03-05 10, 24-03-05 09, 24-03-04 23
            keep-daily=2                 | 24-03-05 10, 24-03-04 23
            keep-weekly=2                | 24-03-05 10, 24-03-03 12
            keep-monthly=2               | 24-03-05 10, 24-02-28 12
            keep-yearly=9                | 24-03-05 10, 23-12-31 12
            keep-last=1,keep-daily=1     | 24-03-05 10, 24-03-04 23
            keep-daily=2,keep-weekly=1   | 24-03-05 10, 24-03-04 23, 24-03-03 12
            keep-daily=1,keep-monthly=1,keep-yearly=1 | 24-03-05 10, 24-02-28 12, 23-12-31 12
            """)
    void keepsTheNewestOfEachFurtherPeriod(String retention, String kept) throws IOException {
        for (String time : List.of(
                "2024_03_05-10", "2024_03_05-09", "2024_03_04-23", "2024_03_03-12", "2024_02_28-12", "2023_12_31-12")) {
            backup("vzdump-qemu-100-" + time + "_00_00.vma");
        }

        Pruned pruned = prune(retention, null, null, true);

        assertThat(pruned.marks())
                .filteredOn(mark -> mark.mark().equals("keep"))
                .extracting(DirBackupTest::time)
                .containsExactlyInAnyOrder(kept.strip().split(", ", -1));
        assertThat(pruned.marks())
                .filteredOn(mark -> !mark.mark().equals("keep"))
                .extracting(PruneMark::mark)
                .containsOnly("remove");
        assertThat(pruned.marks()).hasSize(6);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "keep-all=1", "keep-last=0,keep-daily=0", "keep-all=1,keep-last=0"})
    void keepsAllWithoutARule(String retention) throws IOException {
        backup("vzdump-qemu-100-2024_03_05-10_00_00.vma");
        backup("vzdump-qemu-100-2024_03_05-11_00_00.vma");

        assertThat(prune(retention, null, null, false).marks())
                .extracting(PruneMark::mark)
                .containsExactly("keep", "keep");
        assertThat(files()).hasSize(2);
    }

    @Test
    void removesABackupWithItsNotesAndItsLog() throws IOException {
        String old = "vzdump-qemu-100-2024_03_04-10_00_00";
        for (String name : List.of(old + ".vma.zst", old + ".vma.zst.notes", old + ".log", old + ".txt")) {
            backup(name);
        }
        backup("vzdump-qemu-100-2024_03_05-10_00_00.vma.zst");

        Pruned pruned = prune("keep-last=1", null, null, false);

        assertThat(files()).containsExactly(old + ".txt", "vzdump-qemu-100-2024_03_05-10_00_00.vma.zst");
        assertThat(pruned.marks()).extracting(PruneMark::mark).containsExactly("remove", "keep");
        assertThat(pruned.retention()).isEqualTo(new Retention(Map.of("keep-last", 1L)));
        assertThat(log).containsExactly("INFO removing backup 'store:backup/" + old + ".vma.zst'");
    }

    @Test
    void onlyTellsInADryRun() throws IOException {
        backup("vzdump-qemu-100-2024_03_04-10_00_00.vma");
        backup("vzdump-qemu-100-2024_03_05-10_00_00.vma");

        assertThat(prune("keep-last=1", null, null, true).marks())
                .extracting(PruneMark::mark)
                .containsExactly("remove", "keep");

        assertThat(files()).hasSize(2);
        assertThat(log).isEmpty();
    }

    @Test
    void looksAtEveryGuestOnItsOwn() throws IOException {
        for (String guest : List.of("qemu-100", "lxc-100", "qemu-101")) {
            backup("vzdump-" + guest + "-2024_03_04-10_00_00.tar");
            backup("vzdump-" + guest + "-2024_03_05-10_00_00.tar");
        }

        assertThat(prune("keep-last=1", null, null, true).marks())
                .filteredOn(mark -> mark.mark().equals("keep"))
                .extracting(mark -> mark.type() + " " + mark.owner() + " " + time(mark))
                .containsExactlyInAnyOrder("qemu 100 24-03-05 10", "lxc 100 24-03-05 10", "qemu 101 24-03-05 10");
        assertThat(prune("keep-last=1", new Vmid(100), null, true).marks()).hasSize(4);
        assertThat(prune("keep-last=1", new Vmid(100), "lxc", true).marks())
                .extracting(PruneMark::type)
                .containsExactly("lxc", "lxc");
    }

    @Test
    void neverRemovesWhatIsProtectedOrRenamed() throws IOException {
        backup("vzdump-qemu-100-2024_03_06-10_00_00.vma");
        backup("vzdump-qemu-100-2024_03_06-10_00_00.vma.protected");
        backup("vzdump-qemu-100-2024_03_05-10_00_00.vma");
        backup("vzdump-qemu-100-2024_03_04-10_00_00.vma");
        backup("vzdump-qemu-100-mine.vma");
        backup("other-100-mine.vma");
        backup("other-100-yours.vma");
        backup("other-100-yours.vma.protected");

        Pruned pruned = prune("keep-last=1", null, null, false);

        assertThat(pruned.marks())
                .extracting(mark -> mark.volid().volume().value().substring(7) + " " + mark.type() + " " + mark.mark())
                .containsExactlyInAnyOrder(
                        "vzdump-qemu-100-2024_03_06-10_00_00.vma qemu protected",
                        "vzdump-qemu-100-2024_03_05-10_00_00.vma qemu keep",
                        "vzdump-qemu-100-2024_03_04-10_00_00.vma qemu remove",
                        "vzdump-qemu-100-mine.vma qemu renamed",
                        "other-100-mine.vma unknown renamed",
                        "other-100-yours.vma unknown protected");
        assertThat(files()).hasSize(7).doesNotContain("vzdump-qemu-100-2024_03_04-10_00_00.vma");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            keep-all=1,keep-last=1 | keep-all cannot be set together with other options
            keep-lats=1            | unknown retention option 'keep-lats'
            keep-last=-1           | retention option 'keep-last' is negative: -1
            """)
    void refusesARetentionThatMayNotBeWhatIsMeant(String retention, String reason) throws IOException {
        backup("vzdump-qemu-100-2024_03_04-10_00_00.vma");

        Failing.isRefused(() -> prune(retention, null, null, false), StorageError.BAD_PARAMETER, reason);

        assertThat(files()).hasSize(1);
    }

    @Test
    void removesTheOthersIfOneCannotBeRemoved() throws IOException {
        String stuck = "vzdump-qemu-100-2024_03_04-10_00_00.vma";
        backup(stuck);
        backup("vzdump-qemu-100-2024_03_03-10_00_00.vma");
        backup("vzdump-qemu-100-2024_03_05-10_00_00.vma");
        try {
            Command.of("chattr", "+i", dump.resolve(stuck).toString()).run();
        } catch (StorageException e) {
            Assumptions.abort("no file can be made immutable here: " + e.getMessage());
        }
        try {
            Failing.fails(
                    () -> prune("keep-last=1", null, null, false),
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.UNKNOWN,
                    "error pruning backups - check log: 1 of 2 could not be removed");
        } finally {
            Command.of("chattr", "-i", dump.resolve(stuck).toString()).run();
        }
        assertThat(files()).containsExactly(stuck, "vzdump-qemu-100-2024_03_05-10_00_00.vma");
        assertThat(log)
                .hasSize(3)
                .anySatisfy(line -> assertThat(line)
                        .startsWith("ERR error when removing backup 'store:backup/" + stuck + "' - unlink '"));
    }

    private void backup(String name) throws IOException {
        Files.createFile(dump.resolve(name));
    }

    private Pruned prune(String rules, @Nullable Vmid owner, @Nullable String type, boolean isDryRun) {
        Map<String, Long> keep = new HashMap<>();
        for (String rule : rules.isEmpty() ? new String[0] : rules.split(",", -1)) {
            keep.put(rule.substring(0, rule.indexOf('=')), Long.valueOf(rule.substring(rule.indexOf('=') + 1)));
        }
        return plugin.pruneBackups(
                storage,
                new Retention(keep),
                new BackupSelection(owner, type),
                isDryRun,
                (level, line) -> log.add(level + " " + line));
    }

    /** Year, month, day and hour of a backup. */
    private static String time(PruneMark mark) {
        return mark.volid().volume().value().replaceFirst(".*-20(\\d\\d)_(\\d\\d)_(\\d\\d)-(\\d\\d)_.*", "$1-$2-$3 $4");
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(dump)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }
}
