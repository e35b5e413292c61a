package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.command.Command;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The commands, with a provider that is written in Perl. */
class BackupCommandTest {
    private static final byte[] CONFIG = "name: caf\u00e9\n".getBytes(StandardCharsets.ISO_8859_1);

    private static StorageCommands commands(Scratch scratch) throws IOException {
        StorageCommands commands =
                new StorageCommands(scratch).with(Installation.perlShim().resolve("examples/ChainBackupPlugin.pm"));
        Files.createDirectory(scratch.file("vault"));
        commands.write("chainbackup: vault\n\tpath " + scratch.file("vault") + "\n\tcontent backup\n\n");
        Files.write(scratch.file("vm.conf"), CONFIG);
        return commands;
    }

    private static String[] create(Scratch scratch, String... more) {
        List<String> words = new ArrayList<>(List.of("backup", "create", "--storage", "vault", "--vmid", "100"));
        words.addAll(List.of("--run-dir", scratch.runtime().toString()));
        words.addAll(List.of(more));
        return words.toArray(String[]::new);
    }

    private static Path qcow2(Scratch scratch) {
        Path image = scratch.file("system.qcow2");
        Command.of("qemu-img", "create", "-q", "-f", "qcow2", image.toString(), "16M")
                .run();
        BackupHost.write(image, 7, "1M", "1M");
        return image;
    }

    @Test
    void disksAreBackedUpListedShownRestoredAndForgotten(Scratch scratch) throws IOException {
        StorageCommands commands = commands(scratch);
        Path raw = Files.write(scratch.file("data.raw"), new byte[3 << 20]);
        Path qcow2 = qcow2(scratch);

        TenonCommand made = commands.run(create(
                scratch,
                "--disk",
                qcow2.toString(),
                "--disk",
                "drive-virtio3=" + raw,
                "--guest-config",
                scratch.file("vm.conf").toString()));

        assertThat(made.status()).as("%s", made).isZero();
        String volid = made.said().lines().toList().getLast();
        assertThat(volid).startsWith("vault:backup/qemu-100-");
        assertThat(commands.list("backup", "list", "vault"))
                .singleElement()
                .satisfies(listed ->
                        assertThat(listed).containsEntry("volid", volid).containsEntry("type", "qemu"));
        assertThat(commands.said("backup", "show", volid)).contains(volid, "of a guest of type qemu", "name: caf");
        Path extracted = scratch.file("extracted");
        assertThat(commands.run("backup", "extract-config", volid, "--output", extracted.toString())
                        .status())
                .isZero();
        assertThat(Files.readAllBytes(extracted)).isEqualTo(CONFIG);
        Path restored = scratch.file("restored");
        TenonCommand restore = commands.run("backup", "restore", volid, restored.toString());
        assertThat(restore.status()).as("%s", restore).isZero();
        assertThat(Files.mismatch(restored.resolve("drive-virtio3.raw"), raw)).isEqualTo(-1);
        Path content = scratch.file("content.raw");
        Command.of("qemu-img", "convert", "-O", "raw", qcow2.toString(), content.toString())
                .run();
        assertThat(Files.mismatch(restored.resolve("drive-scsi0.raw"), content)).isEqualTo(-1);
        assertThat(Files.readAllBytes(restored.resolve("qemu-server.conf"))).isEqualTo(CONFIG);
        assertThat(commands.run("backup", "forget", volid).status()).isZero();
        assertThat(commands.list("backup", "list", "vault")).isEmpty();
        assertThat(scratch.runtime()).isEmptyDirectory();
    }

    @Test
    void theNextBackupOfAnImageReadsWhatChanged(Scratch scratch) throws IOException {
        StorageCommands commands = commands(scratch);
        Path qcow2 = qcow2(scratch);
        for (String mode : List.of("new", "reuse")) {
            TenonCommand made = commands.run(create(
                    scratch,
                    "--disk",
                    qcow2.toString(),
                    "--guest-config",
                    scratch.file("vm.conf").toString(),
                    "--json",
                    "--quiet"));
            assertThat(made.status()).as("%s", made).isZero();
            assertThat(JSON.std.mapFrom(made.said())).containsEntry("disks", Map.of("drive-scsi0", mode));
            long second = System.currentTimeMillis() / 1000;
            await().until(() -> System.currentTimeMillis() / 1000 > second);
        }
    }

    /** The daemon is not asked: the command has a sidecar of its own, which keeps what has to last beside the journal. */
    @Test
    void theProvidersOfAnAdoptedPluginAreUsed(Scratch scratch) throws IOException {
        Path plugin = Files.copy(
                Installation.perlShim().resolve("examples/DraftBackupPlugin.pm"), scratch.file("DraftBackupPlugin.pm"));
        StorageCommands commands = new StorageCommands(scratch);
        TenonCommand adopted =
                TenonCommand.run(scratch, "adopt", "--state", commands.adopted().toString(), plugin.toString());
        assertThat(adopted.status()).as("%s", adopted).isZero();
        Files.createDirectory(scratch.file("vault"));
        commands.write("draftbackup: vault\n\tpath " + scratch.file("vault") + "\n\tcontent backup\n\n");
        Files.write(scratch.file("vm.conf"), CONFIG);
        Path qcow2 = qcow2(scratch);

        for (String mode : List.of("new", "reuse")) {
            TenonCommand made = commands.run(create(
                    scratch,
                    "--disk",
                    qcow2.toString(),
                    "--guest-config",
                    scratch.file("vm.conf").toString(),
                    "--json"));
            assertThat(made.status()).as("%s", made).isZero();
            Map<String, Object> told = JSON.std.mapFrom(made.said());
            assertThat(told).containsEntry("disks", Map.of("drive-scsi0", mode));
            assertThat(scratch.file("bitmaps/vault/100")).exists();
            Path restored = scratch.file("restored-" + mode);
            TenonCommand restore =
                    commands.run("backup", "restore", String.valueOf(told.get("volid")), restored.toString());
            assertThat(restore.status()).as("%s", restore).isZero();
            assertThat(Command.of(
                                    "qemu-img",
                                    "compare",
                                    "-F",
                                    "raw",
                                    qcow2.toString(),
                                    restored.resolve("drive-scsi0.raw").toString())
                            .run())
                    .contains("Images are identical");
            BackupHost.write(qcow2, 9, "3M", "64k");
            long second = System.currentTimeMillis() / 1000;
            await().until(() -> System.currentTimeMillis() / 1000 > second);
        }

        // A storage that gets this name later has none of these backups.
        TenonCommand removed = commands.run("storage", "remove", "vault");
        assertThat(removed.status()).as("%s", removed).isZero();
        assertThat(scratch.file("bitmaps/vault")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "--guest-config vm.conf|say what to back up: either --disk, for each disk of a VM, or --container",
                "--guest-config vm.conf --disk none.raw|disk 'drive-scsi0': there is no file 'none.raw'",
                "--guest-config gone --disk vm.conf|there is no configuration file",
                "--guest-config vm.conf --disk d=vm.conf --disk d=vm.conf|the disk 'd' is given twice",
                "--guest-config vm.conf --disk d=|--disk 'd=' does not say where the disk is",
                "--guest-config vm.conf --disk vm.conf --qmp q|--qmp and --fleecing go together",
                "--guest-config vm.conf --container . --qmp q --fleecing .|are for VMs, and --container backs up a container",
                "--guest-config vm.conf --disk vm.conf --exclude /x|--exclude is for containers",
                "--guest-config vm.conf --disk vm.conf --bwlimit -1|--bwlimit -1 is no number of KiB a second"
            })
    void wrongUsageIsTold(String words, String told, Scratch scratch) throws IOException {
        TenonCommand command = commands(scratch).run(create(scratch, words.split(" ", -1)));

        assertThat(command.status()).as("%s", command).isEqualTo(2);
        assertThat(command.errors()).contains(told);
        assertThat(scratch.runtime()).isEmptyDirectory();
    }

    /** The provider in Perl is asked to stop, too. */
    @Test
    void ctrlCEndsABackupClean(Scratch scratch) throws Exception {
        StorageCommands commands = commands(scratch);
        Path raw = scratch.file("large.raw");
        Command.of("sh", "-c", "head -c 400M /dev/urandom >\"$1\"", "sh", raw.toString())
                .run();
        Path errors = scratch.file("errors.log");
        ProcessBuilder builder = new ProcessBuilder(Installation.tenonCommand(
                        scratch.temporary(),
                        commands.all(create(
                                scratch,
                                "--disk",
                                raw.toString(),
                                "--guest-config",
                                scratch.file("vm.conf").toString()))))
                .redirectError(errors.toFile());
        builder.environment().put("TENON_LOCK_DIR", scratch.file("lock").toString());
        Process process = builder.start();
        await().atMost(60, TimeUnit.SECONDS).until(() -> {
            assertThat(process.isAlive()).as("%s", Files.readString(errors)).isTrue();
            return Files.readString(errors).contains("all is read");
        });

        Command.of("kill", "-INT", Long.toString(process.pid())).run();

        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as("%s", Files.readString(errors)).isEqualTo(130);
        assertThat(Files.readString(errors)).contains("interrupted by signal");
        assertThat(commands.list("backup", "list", "vault")).isEmpty();
        assertThat(scratch.runtime()).isEmptyDirectory();
    }
}
