package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Volumes, from a shell. */
class VolumeCommandTest {
    private static final String BACKUP = "fast:backup/vzdump-qemu-100-2026_01_02-03_04_05.vma";

    @Test
    void anImageLivesFromItsAllocationToItsEnd(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        assertThat(tenon.said("volume", "list", "fast"))
                .isEqualTo("VOLUME  CONTENT  FORMAT  SIZE  USED  GUEST  NOTES\n");

        String raw = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "16M");
        String qcow2 = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "64MiB", "--format", "qcow2");
        assertThat(List.of(raw, qcow2)).containsExactly("fast:100/vm-100-disk-0.raw", "fast:100/vm-100-disk-1.qcow2");

        tenon.said("volume", "snapshot", qcow2, "one");
        tenon.said("volume", "resize", qcow2, "+32M");
        assertThat(tenon.object("volume", "info", qcow2)).containsEntry("size", 96 << 20);
        assertThat(tenon.list("volume", "snapshots", qcow2)).hasSize(1).first().satisfies(snapshot -> {
            assertThat(snapshot).containsEntry("snapshot", "one").containsEntry("size", 64 << 20);
        });
        tenon.said("volume", "rollback", qcow2, "one");
        tenon.said("volume", "snapshot", qcow2, "one", "--delete");
        assertThat(tenon.said("volume", "snapshots", qcow2)).isEqualTo("SNAPSHOT  CREATED  SIZE\n");

        String renamed = tenon.line("volume", "rename", raw, "--vmid", "200");
        assertThat(renamed).isEqualTo("fast:200/vm-200-disk-0.raw");
        String path = tenon.line("volume", "path", renamed);
        assertThat(path).isEqualTo(scratch.storage() + "/images/200/vm-200-disk-0.raw");
        assertThat(tenon.object("volume", "info", path))
                .containsEntry("format", "raw")
                .containsEntry("size", 16 << 20);
        tenon.said("volume", "activate", renamed);
        tenon.said("volume", "deactivate", renamed);

        List<String> lines = tenon.said("volume", "list", "fast").lines().toList();
        int end = lines.getFirst().indexOf("SIZE") + "SIZE".length();
        assertThat(lines.get(1).substring(0, end)).endsWith("MiB");
        assertThat(lines.get(2).substring(0, end)).endsWith("16.00 MiB");
        assertThat(tenon.said("volume", "list", "fast", "--vmid", "200", "--content", "images", "--names"))
                .isEqualTo(renamed + "\n");

        tenon.said("volume", "free", renamed);
        tenon.said("volume", "free", qcow2);
        assertThat(tenon.list("volume", "list", "fast")).isEmpty();
    }

    @Test
    void aReadThatFailsHasChangedNothing(Scratch scratch) {
        StorageCommands tenon = new StorageCommands(scratch).with(Installation.plugin("WildPlugin.pm"));
        tenon.write("wild: nas\n\tpath " + scratch.storage() + "\n\n");
        failed(tenon, 1, "FAILED_CLEAN]", "volume", "info", "nas:nothing");
    }

    @Test
    void clonesAreLinkedOrWhole(Scratch scratch) throws IOException {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        Path other = Files.createDirectory(scratch.file("other"));
        tenon.write(tenon.written() + "dir: other\n\tpath " + other + "\n\tcontent images\n\n");
        String image = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "8M", "--format", "qcow2");

        String base = tenon.line("volume", "base", image);
        assertThat(base).isEqualTo("fast:100/base-100-disk-0.qcow2");
        String linked = tenon.line("volume", "clone", base, "--vmid", "101");
        assertThat(linked).isEqualTo(base + "/101/vm-101-disk-0.qcow2");
        String whole = tenon.line(
                "volume", "clone", linked, "--vmid", "102", "--full", "--storage", "other", "--format", "raw");
        assertThat(whole).isEqualTo("other:102/vm-102-disk-0.raw");
        assertThat(other.resolve("images/102/vm-102-disk-0.raw")).hasSize(8 << 20);
        assertThat(tenon.object("volume", "info", whole)).containsEntry("parent", null);

        failed(tenon, 1, "is still in use by linked clones", "volume", "free", base);
        failed(tenon, 2, "add --full", "volume", "clone", base, "--vmid", "103", "--storage", "other");
        tenon.said("volume", "free", linked);
        tenon.said("volume", "free", base);
        assertThat(tenon.said("volume", "list", "--names")).isEqualTo(whole + "\n");
    }

    @Test
    void sizesWithoutADoubtAreTakenAndOthersRefused(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        failed(
                tenon,
                2,
                "size '4096' has no unit; write 4096B",
                "volume",
                "alloc",
                "fast",
                "--vmid",
                "1",
                "--size",
                "4096");
        failed(
                tenon,
                2,
                "'4GB' has the unit 'GB', which is doubtful",
                "volume",
                "alloc",
                "fast",
                "--vmid",
                "1",
                "--size",
                "4GB");
        String image = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "4M");
        failed(tenon, 1, "unable to shrink volume '" + image + "'", "volume", "resize", image, "1M");
        failed(tenon, 2, "size '8' has no unit", "volume", "resize", image, "+8");
        assertThat(tenon.object("volume", "info", image)).containsEntry("size", 4 << 20);
    }

    @Test
    void whatOnlyReadsMakesNoDirectories(Scratch scratch) throws IOException {
        StorageCommands tenon = new StorageCommands(scratch);
        Path there = Files.createDirectories(scratch.file("there"));
        Path missing = scratch.file("missing");
        tenon.write(tenon.written() + "dir: one\n\tpath " + there + "\n\tcontent images,iso,rootdir\n\n"
                + "dir: two\n\tpath " + missing + "\n\tcontent images\n\n");
        for (String command : List.of(
                "storage list",
                "storage status",
                "volume list",
                "volume list one",
                "volume list two",
                "volume info one:100/vm-100-disk-0.raw",
                "volume path one:100/vm-100-disk-0.raw",
                "volume snapshots one:100/vm-100-disk-0.qcow2",
                "doctor one")) {
            tenon.run(command.split(" ", -1));
            assertThat(there).as(command).isEmptyDirectory();
            assertThat(missing).as(command).doesNotExist();
        }
        assertThat(scratch.file("journal")).doesNotExist();
        tenon.line("volume", "alloc", "one", "--vmid", "100", "--size", "1M");
        tenon.line("volume", "alloc", "two", "--vmid", "100", "--size", "1M");
    }

    @Test
    void severalAreFreedAndOneThatIsMissingIsAWarning(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        String one = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "1M");
        Object two = tenon.object("volume", "alloc", "fast", "--vmid", "100", "--size", "1M")
                .get("volid");
        assertThat(two).isEqualTo("fast:100/vm-100-disk-1.raw");
        assertThat(tenon.object("volume", "path", one))
                .containsEntry("volid", one)
                .containsEntry("path", scratch.storage() + "/images/100/vm-100-disk-0.raw");

        TenonCommand freed = tenon.run("volume", "free", one, "fast:100/vm-100-disk-7.raw", String.valueOf(two));

        assertThat(freed.status()).isZero();
        assertThat(freed.errors().lines())
                .containsExactly("tenon: volume 'fast:100/vm-100-disk-7.raw' does not exist, so nothing is removed");
        assertThat(tenon.said("volume", "list", "fast", "--names")).isEmpty();
        TenonCommand elsewhere =
                TenonCommand.run(scratch, "volume", "free", one, "--config", "/nonexistent/storage.cfg");
        assertThat(elsewhere.errors()).contains("there is no configuration '/nonexistent/storage.cfg'");
        assertThat(elsewhere.status()).isEqualTo(2);
    }

    @Test
    void oneThatIsNotFreedAfterAnotherWasDoesNotSayThatNothingIsChanged(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        String image = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "1M", "--format", "qcow2");
        String base = tenon.line("volume", "base", image);
        String linked = tenon.line("volume", "clone", base, "--vmid", "101");
        String other = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "1M");

        TenonCommand freed = tenon.run("volume", "free", other, base);
        assertThat(freed.errors())
                .contains("is still in use by linked clones", "not all volumes are removed", "UNKNOWN]");
        assertThat(freed.status()).isEqualTo(3);
        TenonCommand again = tenon.run("volume", "free", other, base);
        assertThat(again.errors()).contains("does not exist", "NOT_STARTED]");
        assertThat(again.status()).isOne();
        tenon.said("volume", "free", linked, base);
    }

    @Test
    void aVolumeThatIsMadeIsToldThoughTheOutputIsFull(Scratch scratch) throws IOException, InterruptedException {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        Path errors = scratch.file("errors");
        ProcessBuilder process = new ProcessBuilder(Installation.tenonCommand(
                        scratch.temporary(), tenon.all("volume", "alloc", "fast", "--vmid", "100", "--size", "1M")))
                .redirectInput(new File("/dev/null"))
                .redirectOutput(new File("/dev/full"))
                .redirectError(errors.toFile());
        process.environment().put("TENON_LOCK_DIR", scratch.file("lock").toString());

        int status = process.start().waitFor();

        assertThat(Files.readString(errors))
                .contains("the volume is 'fast:100/vm-100-disk-0.raw', but standard output cannot be written");
        assertThat(status).isEqualTo(3);
        assertThat(tenon.line("volume", "list", "fast", "--names")).isEqualTo("fast:100/vm-100-disk-0.raw");
    }

    @Test
    void nothingIsBegunWhoseOutputIsClosed() throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder("bash", "-c", Installation.home() + "/bin/tenon --version 2>&1 >&-").start();

        String errors = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(errors).isEqualTo("tenon: standard output is closed, so nothing is begun\n");
        assertThat(process.waitFor()).isOne();
    }

    @Test
    void whatIsNotThereIsToldAndNothingIsChanged(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        failed(tenon, 1, "storage 'slow' does not exist", "volume", "list", "slow");
        failed(tenon, 1, "100/vm-100-disk-9.raw", "volume", "info", "fast:100/vm-100-disk-9.raw");
        failed(tenon, 1, "there is no file '/nonexistent/x.raw'", "volume", "info", "/nonexistent/x.raw");
        failed(tenon, 2, "unable to parse volume ID 'nothing'", "volume", "free", "nothing");
        failed(tenon, 2, "VMID '1x' is no number", "volume", "list", "fast", "--vmid", "1x");
        failed(tenon, 2, "content type 'disks' is none of", "volume", "list", "fast", "--content", "disks");
        failed(
                tenon,
                1,
                "unsupported format",
                "volume",
                "alloc",
                "fast",
                "--vmid",
                "100",
                "--size",
                "1M",
                "--format",
                "zip");
    }

    private static void failed(StorageCommands tenon, int status, String reason, String... words) {
        TenonCommand command = tenon.run(words);
        assertThat(command.errors()).as("errors of %s", List.of(words)).contains(reason);
        assertThat(command.errors().lines().filter(line -> line.startsWith("tenon: ")))
                .hasSize(1);
        assertThat(command.said()).isEmpty();
        assertThat(command.status()).as("status of %s", List.of(words)).isEqualTo(status);
    }

    @Test
    void aStorageThatCannotBeListedIsToldAndTheOthersAreListed(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        tenon.write(tenon.written() + "dir: gone\n\tpath " + scratch.file("gone") + "\n\tis_mountpoint yes\n\n");
        String image = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "1M");

        TenonCommand listed = tenon.run("volume", "list", "--names");
        assertThat(listed.said()).isEqualTo(image + "\n");
        assertThat(listed.errors()).contains("tenon: storage 'gone' cannot be listed: ");
        assertThat(listed.status()).isOne();
    }

    @Test
    void backupsHaveNotesAndProtectionAndArePruned(Scratch scratch) throws IOException {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        Path dump = Files.createDirectories(scratch.storage().resolve("dump"));
        for (String time : new String[] {"2026_01_02-03_04_05", "2026_01_03-03_04_05", "2026_01_04-03_04_05"}) {
            Files.writeString(dump.resolve("vzdump-qemu-100-" + time + ".vma"), "backup\n");
        }

        tenon.said("volume", "notes", BACKUP, "--set", "before the upgrade");
        assertThat(tenon.line("volume", "notes", BACKUP)).isEqualTo("before the upgrade");
        tenon.said("volume", "protect", BACKUP);
        assertThat(tenon.object("volume", "info", BACKUP)).containsEntry("protected", true);

        List<Map<String, Object>> planned =
                tenon.list("storage", "prune", "fast", "--keep", "keep-last=1", "--dry-run");
        assertThat(planned.stream().map(mark -> mark.get("mark")))
                .containsExactlyInAnyOrder("protected", "remove", "keep");
        assertThat(names(dump)).hasSize(5);
        tenon.said("volume", "protect", BACKUP, "--off");
        tenon.said("storage", "prune", "fast", "--keep", "keep-last=1", "--vmid", "100");
        assertThat(names(dump)).containsExactly("vzdump-qemu-100-2026_01_04-03_04_05.vma");
    }

    private static List<String> names(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aCopyThatIsCancelledLeavesNothing(Scratch scratch) throws IOException, InterruptedException {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        String image = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "8M");
        List<String> before = Scratch.files(scratch.storage());
        Path errors = scratch.file("errors");
        ProcessBuilder command = new ProcessBuilder(Installation.tenonCommand(
                        scratch.temporary(), tenon.all("volume", "clone", image, "--vmid", "101", "--full")))
                .redirectInput(new File("/dev/null"))
                .redirectError(errors.toFile());
        command.environment().put("TENON_LOCK_DIR", scratch.file("lock").toString());

        // Somebody else has the storage's lock, so the copy is made and waits for its name.
        Process holder = new ProcessBuilder("flock", lock(scratch).toString(), "sh", "-c", "echo held; cat").start();
        try {
            assertThat(holder.inputReader().readLine()).isEqualTo("held");
            Process process = command.start();
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> Scratch.files(scratch.storage()).size() > before.size());
            new ProcessBuilder("kill", "-INT", Long.toString(process.pid()))
                    .start()
                    .waitFor();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).isEqualTo(130);
            assertThat(said).isEmpty();
            assertThat(Files.readString(errors)).startsWith("tenon: ").contains("CANCELLED");
        } finally {
            holder.getOutputStream().close();
            holder.waitFor();
        }
        assertThat(Scratch.files(scratch.storage())).isEqualTo(before);
    }

    /** Where the lock of the storage is, on a PVE host and elsewhere. */
    private static Path lock(Scratch scratch) {
        Path directory =
                Files.isDirectory(Path.of("/etc/pve")) ? Path.of("/var/lock/pve-manager") : scratch.file("lock");
        return directory.resolve("pve-storage-fast");
    }
}
