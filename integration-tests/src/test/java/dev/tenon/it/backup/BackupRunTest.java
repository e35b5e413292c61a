package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.backup.host.MadeBackup;
import dev.tenon.core.backup.host.RestoreRun;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The order of calls, what is restored, and every row of what PVE does when something fails. */
class BackupRunTest {
    private static final List<String> ORDER = List.of(
            "initJob",
            "providerName",
            "initBackup",
            "backupMechanism",
            "queryIncremental",
            "backupVm",
            "cleanupBackup",
            "handleLogFile",
            "cleanupJob",
            "close");

    static void waitForNextSecond() {
        // The archives of the shelf are named for their second.
        org.awaitility.Awaitility.await().until(() -> {
            long second = System.currentTimeMillis() / 1000;
            while (System.currentTimeMillis() / 1000 == second) {
                Thread.onSpinWait();
            }
            return true;
        });
    }

    @ParameterizedTest
    @EnumSource(names = {"NBD", "FILE_HANDLE"})
    void aDiskIsRestoredAsItWasAndTheNextBackupReadsWhatChanged(BackupMechanism mechanism, Scratch scratch)
            throws IOException {
        BackupHost host = new BackupHost(scratch, mechanism);
        Path disk = host.qcow2();
        byte[] first = host.content(disk);

        MadeBackup full = host.backUp(disk);

        assertThat(host.calls).isEqualTo(ORDER);
        assertThat(full.disks()).isEqualTo(Map.of(BackupHost.DISK, BitmapMode.NEW));
        BackupHost.write(disk, 2, "20M", "4k");
        byte[] second = host.content(disk);
        waitForNextSecond();
        MadeBackup part = host.backUp(disk);
        assertThat(part.disks()).isEqualTo(Map.of(BackupHost.DISK, BitmapMode.REUSE));

        for (MadeBackup made : List.of(full, part)) {
            Path directory =
                    scratch.file("restored-" + made.volume().volume().value().replace('/', '-'));
            RestoreRun.Restored restored = host.restore(made.volume(), directory);
            assertThat(restored.disks()).isEqualTo(Map.of(BackupHost.DISK, directory.resolve("drive-scsi0.raw")));
            assertThat(Files.readAllBytes(directory.resolve("drive-scsi0.raw")))
                    .isEqualTo(made.equals(full) ? first : second);
            assertThat(Files.readAllBytes(directory.resolve("qemu-server.conf")))
                    .isEqualTo(BackupHost.CONFIG.bytes());
            assertThat(directory.resolve("qemu-server.fw")).isEmptyFile();
        }
        assertThat(scratch.runtime()).isEmptyDirectory();
    }

    @Test
    void notesProtectionAndPruningComeBeforeTheProvidersCleanup(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        Path disk = host.qcow2();
        VolumeId old = host.backUp(disk).volume();
        waitForNextSecond();
        host.calls.clear();
        host.on("cleanupBackup", call -> {
            host.calls.add(host.archives().toString());
            return call.proceed();
        });

        MadeBackup made = host.run(host.request("before the upgrade", false, new Retention(Map.of("keep-last", 1L))))
                .ofVm(BackupHost.opener(disk));

        assertThat(host.calls).contains("[" + made.volume() + "]");
        assertThat(host.archives()).doesNotContain(old.toString());
        assertThat(host.service.attribute(made.volume(), VolumeAttribute.NOTES)).contains("before the upgrade");
        waitForNextSecond();
        MadeBackup kept = host.run(host.request(null, true, null)).ofVm(BackupHost.opener(disk));
        assertThat(host.service.attribute(kept.volume(), VolumeAttribute.PROTECTED))
                .contains("1");
        assertThat(host.archives())
                .contains(made.volume().toString(), kept.volume().toString());
    }

    @Test
    void aDiskOfWhichAProviderGivesLessIsRestoredWithAWarning(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        Path disk = host.qcow2();
        byte[] content = host.content(disk);
        MadeBackup made = host.backUp(disk);
        Path part = Files.write(scratch.file("part.raw"), Arrays.copyOf(content, 1 << 20));
        host.on("initVolumeRestore", _ -> part);

        RestoreRun.Restored restored = host.restore(made.volume(), scratch.file("restored"));

        assertThat(host.said)
                .contains("WARN the provider gives only 1048576 bytes for disk 'drive-scsi0', which has 33554432: the"
                        + " rest is restored as zeroes; verify the archive");
        byte[] expected = Arrays.copyOf(Arrays.copyOf(content, 1 << 20), content.length);
        assertThat(Files.readAllBytes(restored.disks().get(BackupHost.DISK))).isEqualTo(expected);
    }

    // ---- what fails

    private static StorageException boom() {
        return new StorageException(StorageError.COMMAND_FAILED, Outcome.FAILED_CLEAN, "it is broken");
    }

    /** The calls of a backup that failed in one of them; those of the host's own objects are left out. */
    private static List<String> failing(BackupHost host, Path disk) {
        assertThatThrownBy(() -> host.backUp(disk)).isInstanceOf(StorageException.class);
        return host.calls.stream().filter(call -> !call.equals("providerName")).toList();
    }

    @Test
    void aJobThatCannotBeginIsCleanedUp(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        host.on("initJob", call -> {
            throw boom();
        });
        assertThat(failing(host, host.qcow2())).containsExactly("initJob", "cleanupJob", "close");
    }

    @Test
    void aGuestThatIsMissingIsAbortedWithoutABeginning(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        Path disk = scratch.file("none.raw");
        assertThat(failing(host, disk))
                .containsExactly(
                        "initJob",
                        "abortBackup " + disk + ": No such file or directory",
                        "handleLogFile",
                        "cleanupJob",
                        "close");
    }

    @ParameterizedTest
    @ValueSource(strings = {"initBackup", "backupMechanism", "queryIncremental", "backupVm"})
    void aFailureBeforeTheArchiveIsThereAborts(String call, Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        Path disk = host.qcow2();
        byte[] before = Files.readAllBytes(disk);
        host.on(call, _ -> {
            throw boom();
        });

        assertThatThrownBy(() -> host.backUp(disk))
                .isInstanceOfSatisfying(StorageException.class, e -> {
                    assertThat(e.error()).isEqualTo(StorageError.COMMAND_FAILED);
                    assertThat(e.outcome()).isEqualTo(Outcome.FAILED_CLEAN);
                })
                .hasMessage("the backup of guest 100 failed: it is broken");

        assertThat(host.calls).containsSubsequence(call, "abortBackup it is broken", "handleLogFile", "cleanupJob");
        assertThat(host.calls).doesNotContain("cleanupBackup");
        assertThat(host.archives()).isEmpty();
        assertThat(Files.readAllBytes(disk)).as("the bitmaps are as they were").isEqualTo(before);
        assertThat(scratch.runtime()).isEmptyDirectory();
    }

    /** The bitmap belongs to the archive that is there. */
    @Test
    void aFailureAfterTheArchiveIsThereAbortsAndSaysSo(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        Path disk = host.qcow2();
        host.on("cleanupBackup", _ -> {
            throw boom();
        });

        assertThatThrownBy(() -> host.backUp(disk))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN))
                .hasMessageMatching(
                        "the backup of guest 100 failed: it is broken; the archive 'vault:backup/qemu-100-[0-9]+' may"
                                + " be there all the same");

        assertThat(host.calls)
                .containsSubsequence("backupVm", "cleanupBackup", "abortBackup it is broken", "handleLogFile");
        assertThat(host.archives()).hasSize(1);
        host.on("cleanupBackup", BackupHost.Call::proceed);
        waitForNextSecond();
        BackupHost.write(disk, 3, "24M", "4k");
        MadeBackup next = host.backUp(disk);
        assertThat(next.disks()).containsValue(BitmapMode.REUSE);
        host.restore(next.volume(), scratch.file("restored"));
        assertThat(Files.readAllBytes(scratch.file("restored").resolve("drive-scsi0.raw")))
                .isEqualTo(host.content(disk));
    }

    @Test
    void notesThatCannotBeKeptAreAWarning(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        host.on("updateAttribute", _ -> {
            throw boom();
        });

        MadeBackup made = host.run(host.request("kept nowhere", false, null)).ofVm(BackupHost.opener(host.qcow2()));

        assertThat(host.archives()).containsExactly(made.volume().toString());
        assertThat(host.said).contains("WARN unable to add notes: it is broken");
        assertThat(host.calls).doesNotContain("abortBackup it is broken");
    }

    /** The bitmap was cleared by then: the archive is the base of the next one. */
    @ParameterizedTest
    @ValueSource(strings = {"updateAttribute", "pruneBackups"})
    void aFailureBetweenTheDataAndTheCleanupAborts(String call, Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        Path disk = host.qcow2();
        host.on(call, _ -> {
            throw boom();
        });
        boolean isPruning = call.equals("pruneBackups");

        assertThatThrownBy(() -> host.run(host.request(
                                null, !isPruning, isPruning ? new Retention(Map.of("keep-last", 1L)) : null))
                        .ofVm(BackupHost.opener(disk)))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN))
                .hasMessageContaining("may be there all the same");

        assertThat(host.calls).containsSubsequence("backupVm", "abortBackup it is broken", "handleLogFile");
        assertThat(host.calls).doesNotContain("cleanupBackup");
        waitForNextSecond();
        BackupHost.write(disk, 3, "24M", "4k");
        MadeBackup next = host.backUp(disk);
        host.restore(next.volume(), scratch.file("restored"));
        assertThat(Files.readAllBytes(scratch.file("restored").resolve("drive-scsi0.raw")))
                .isEqualTo(host.content(disk));
    }

    @Test
    void aFailureOfTheAbortIsAWarningAndTheFirstFailureIsTold(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        host.on("backupVm", _ -> {
            throw boom();
        });
        host.on("abortBackup", _ -> {
            throw new StorageException(StorageError.INTERNAL, Outcome.UNKNOWN, "and so is the cleanup");
        });
        assertThatThrownBy(() -> host.backUp(host.qcow2())).hasMessageEndingWith("it is broken");
        assertThat(host.said).contains("WARN the provider's cleanup failed: and so is the cleanup");
    }

    @Test
    void aProviderThatDiesOfTheLogEndsTheJob(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        host.on("handleLogFile", _ -> {
            throw boom();
        });
        assertThatThrownBy(() -> host.backUp(host.qcow2())).hasMessage("it is broken");
        assertThat(host.calls).containsSubsequence("handleLogFile", "cleanupJob", "close");
    }

    @Test
    void aFailureIsToldAlsoIfTheProviderThenDiesOfTheLog(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        host.on("backupVm", _ -> {
            throw boom();
        });
        host.on("handleLogFile", _ -> {
            throw new StorageException(StorageError.INTERNAL, Outcome.UNKNOWN, "no log, please");
        });
        assertThatThrownBy(() -> host.backUp(host.qcow2()))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.FAILED_CLEAN))
                .hasMessage("the backup of guest 100 failed: it is broken");
        assertThat(host.said).contains("WARN the provider did not take the log: no log, please");
    }

    @Test
    void aJobWhoseCleanupFailsIsCleanedUpAgain(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        host.on("cleanupJob", _ -> {
            throw boom();
        });
        assertThatThrownBy(() -> host.backUp(host.qcow2())).hasMessage("it is broken");
        assertThat(host.calls).endsWith("cleanupJob", "cleanupJob", "close");
    }

    @Test
    void aProviderThatWantsAVmAsADirectoryIsRefused(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.DIRECTORY);
        assertThatThrownBy(() -> host.backUp(host.qcow2()))
                .hasMessageContaining("wants a guest of type 'qemu' by the mechanism 'directory'");
        assertThat(host.calls).doesNotContain("queryIncremental");
    }

    /** The words by which a provider knows that the whole job was stopped. */
    @Test
    void anInterruptEndsTheBackupAndIsPassedOnInPvesWords(Scratch scratch) throws Exception {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        Path disk = host.qcow2();
        byte[] before = Files.readAllBytes(disk);
        host.on("backupVm", call -> {
            Thread.currentThread().interrupt();
            return call.proceed();
        });

        assertThatThrownBy(() -> host.backUp(disk))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.CANCELLED))
                .hasMessage("the backup of guest 100 failed: interrupted by signal");

        assertThat(Thread.interrupted()).as("the thread stays interrupted").isTrue();
        assertThat(host.calls).containsSubsequence("abortBackup interrupted by signal", "handleLogFile", "cleanupJob");
        assertThat(host.archives()).isEmpty();
        assertThat(Files.readAllBytes(disk)).isEqualTo(before);
        assertThat(scratch.runtime()).isEmptyDirectory();
    }

    // ---- restores that fail

    @ParameterizedTest
    @ValueSource(strings = {"initVmRestore", "guestConfig", "firewallConfig", "initVolumeRestore"})
    void aRestoreThatFailsIsCleanedUpAndLeavesNothing(String call, Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        MadeBackup made = host.backUp(host.qcow2());
        host.calls.clear();
        host.on(call, _ -> {
            throw boom();
        });

        assertThatThrownBy(() -> host.restore(made.volume(), scratch.file("restored")))
                .hasMessage("it is broken");

        assertThat(host.calls).containsSubsequence(call, "cleanupVmRestore", "close");
        assertThat(host.calls).doesNotContain("cleanupVolumeRestore");
        assertThat(scratch.file("restored")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/nonexistent/disk", "nbd+unix:///d?socket=/run/x", "/dev/null", "LARGE"})
    void aPathThatPveWouldNotTakeIsRefused(String path, Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        MadeBackup made = host.backUp(host.qcow2());
        host.calls.clear();
        Path given =
                path.equals("LARGE") ? Files.write(scratch.file("large"), new byte[(32 << 20) + 512]) : Path.of(path);
        host.on("initVolumeRestore", _ -> given);

        assertThatThrownBy(() -> host.restore(made.volume(), scratch.file("restored")))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.BAD_RESULT))
                .hasMessageContaining("for disk 'drive-scsi0'");

        assertThat(host.calls).containsSubsequence("initVolumeRestore", "cleanupVolumeRestore", "cleanupVmRestore");
        assertThat(scratch.file("restored")).doesNotExist();
    }

    @Test
    void aDirectoryThatIsNotEmptyIsLeftAlone(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        MadeBackup made = host.backUp(host.qcow2());
        Path full = Files.createDirectory(scratch.file("full"));
        Files.writeString(full.resolve("mine"), "stays");

        assertThatThrownBy(() -> host.restore(made.volume(), full)).hasMessageContaining("is not empty");

        assertThat(full.resolve("mine")).hasContent("stays");
        assertThatThrownBy(() -> host.restore(
                        new VolumeId(BackupHost.VAULT, new VolumeName("backup/qemu-100-1")), scratch.file("new")))
                .hasMessage("there is no backup 'backup/qemu-100-1'");
        assertThat(scratch.file("new")).doesNotExist();
    }
}
