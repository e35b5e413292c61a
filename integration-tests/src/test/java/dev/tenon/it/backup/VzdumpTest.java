package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryOptions;
import dev.tenon.core.backup.repository.Unlocking;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.GuestDisk;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlBackupHost;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * PVE's own vzdump makes the calls, with PVE's own code for VMs and for containers: {@code vzdump.pl} says what of it is not
 * run. Needs the libraries of pve-manager, qemu-server, pve-container and pve-ha-manager beside those of pve-storage.
 */
@EnabledIfEnvironmentVariable(named = "TENON_PVE_LIB", matches = ".+", disabledReason = "needs PVE's own libraries")
class VzdumpTest {
    private static final String DEVICE = "drive-scsi0";
    private static final int SIZE = (9 << 20) + 512;
    private static final String VAULT = "vault";
    private static final byte[] CONFIG =
            "name: caf\u00e9\n#qmdump#map:scsi0:drive-scsi0:local:raw:\n".getBytes(StandardCharsets.ISO_8859_1);

    /** Its log is in a directory of the whole machine. */
    private final int vmid = 100_000_000 + (int) (ProcessHandle.current().pid() % 100_000_000);

    @BeforeEach
    void needsVzdump() {
        assumeTrue(EffectiveUser.id() == 0, "vzdump is root's");
        Path pve = Objects.requireNonNull(Installation.pveLibrary());
        assumeTrue(
                Files.exists(pve.resolve("PVE/VZDump/QemuServer.pm"))
                        && Files.exists(pve.resolve("PVE/VZDump/LXC.pm"))
                        && Files.exists(pve.resolve("PVE/HA/Config.pm")),
                "needs PVE's qemu-server, pve-container and pve-ha-manager beside its other libraries");
    }

    /** A storage of a host, and the class by which PVE has it. */
    private record Vault(Path proxy, Path socket, String type, Map<String, Object> section) {}

    private static Vault vault(Scratch scratch, String plugin, String mechanism) throws IOException {
        Map<String, Object> section =
                new LinkedHashMap<>(Map.of("path", scratch.storage().toString()));
        if (plugin.equals("tenonbackup")) {
            DaemonProcess daemon;
            if (mechanism.equals("sealed nbd")) {
                Unlocking.KeyFile key = Unlocking.KeyFile.generate();
                Repository.init(scratch.storage(), new RepositoryOptions(Map.of("host", key), 0));
                Path secrets = Files.createDirectory(scratch.file("priv"));
                Files.writeString(secrets.resolve(VAULT + ".enc"), key.text());
                try (Repository repository = Repository.open(scratch.storage(), key)) {
                    section.put("encryption-key", repository.fingerprint().orElseThrow());
                }
                daemon = DaemonProcess.startBy(scratch, List.of("env", "TENON_SECRET_DIR=" + secrets));
            } else {
                Repository.init(scratch.storage());
                daemon = DaemonProcess.start(scratch);
            }
            Path proxy = scratch.file("TenonTenonbackup.pm");
            TenonCommand made = TenonCommand.run(scratch, "proxy", plugin, "--output", proxy.toString());
            assertThat(made.status()).as(made.errors()).isZero();
            return new Vault(proxy, daemon.socket(), plugin, section);
        }
        Path state = scratch.file("adopted");
        Path file =
                Files.copy(Installation.perlShim().resolve("examples/" + plugin + ".pm"), scratch.file(plugin + ".pm"));
        Path socket = DaemonProcess.socketIn(scratch);
        TenonCommand adopted = TenonCommand.run(
                scratch, "adopt", "--state", state.toString(), "--socket", socket.toString(), file.toString());
        assertThat(adopted.status()).as(adopted.errors()).isZero();
        DaemonProcess.startWith(scratch, List.of("--adopted", state.toString()));
        String type = plugin.equals("ChainBackupPlugin") ? "chainbackup" : "draftbackup";
        section.put(type + "-mechanism", mechanism);
        return new Vault(file, socket, type, section);
    }

    /** What vzdump said, by the name of what it is, and what it was answered. */
    private static final class Vzdump {
        private final PerlProgram perl;
        private final List<Map<String, Object>> said = new ArrayList<>();

        Vzdump(Scratch scratch, Map<String, Object> task) throws IOException {
            Path programs = scratch.file("programs");
            if (Files.notExists(programs)) {
                Files.createDirectory(programs);
                program(programs.resolve("newuidmap"), "printf '%s %s %s\\n' \"$2\" \"$3\" \"$4\" >/proc/$1/uid_map");
                program(programs.resolve("newgidmap"), "printf '%s %s %s\\n' \"$2\" \"$3\" \"$4\" >/proc/$1/gid_map");
                program(programs.resolve("fusermount"), "exec umount --lazy \"$3\"");
            }
            task.put("programs", programs.toString());
            perl = PerlProgram.start(scratch, List.of(), Installation.resource("perl/vzdump.pl"));
            say(task);
        }

        /** A program of packages that a container of Debian has not. */
        private static void program(Path file, String command) throws IOException {
            Files.writeString(file, "#!/bin/sh\n" + command + "\n");
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        }

        private void say(@Nullable Object value) throws IOException {
            perl.say(JSON.std.asString(value));
        }

        Vzdump finish(@Nullable GuestDisk disk) throws IOException {
            while (true) {
                Map<String, Object> line = JSON.std.mapFrom(perl.line());
                said.add(line);
                switch (String.valueOf(line.get("what"))) {
                    case "setup" -> {
                        Map<?, ?> wanted = (Map<?, ?>) Objects.requireNonNull(line.get("value"));
                        say(List.of(Objects.requireNonNull(disk).setUp(String.valueOf(wanted.get(DEVICE)))));
                    }
                    case "monitor" -> {
                        command((Map<?, ?>) Objects.requireNonNull(line.get("value")), Objects.requireNonNull(disk));
                        say(Map.of());
                    }
                    case "result" -> {
                        assertThat(perl.awaitEnd()).as(perl::errors).isZero();
                        return this;
                    }
                    default -> {}
                }
            }
        }

        @SuppressWarnings("unchecked")
        private static void command(Map<?, ?> command, GuestDisk disk) {
            Map<String, Object> arguments = (Map<String, Object>) Objects.requireNonNull(command.get("arguments"));
            if (Objects.equals(command.get("execute"), "backup-access-teardown")) {
                disk.tearDown((Boolean) Objects.requireNonNull(arguments.get("success")));
            } else {
                disk.monitor(String.valueOf(command.get("execute")), arguments);
            }
        }

        List<Object> said(String what) {
            return said.stream()
                    .filter(line -> what.equals(line.get("what")))
                    .map(line -> Objects.requireNonNull(line.get("value")))
                    .toList();
        }

        /** The archives that PVE lists, the oldest first. */
        List<Map<String, Object>> archives() {
            return ((List<?>) said("archives").getFirst())
                    .stream()
                            .map(each -> {
                                Map<String, Object> archive = new LinkedHashMap<>();
                                ((Map<?, ?>) each).forEach((key, value) -> archive.put(String.valueOf(key), value));
                                return archive;
                            })
                            .toList();
        }
    }

    private Map<String, Object> task(Scratch scratch, Vault vault, String type) throws IOException {
        Map<String, Object> task = new LinkedHashMap<>();
        task.put("proxy", vault.proxy().toString());
        task.put("socket", vault.socket().toString());
        task.put("storeid", VAULT);
        task.put("scfg", vault.section());
        task.put("vmid", vmid);
        task.put("type", type);
        task.put("sizes", Map.of(DEVICE, SIZE));
        task.put("work", Files.createDirectories(scratch.file("work")).toString());
        task.put("options", Map.of());
        task.put("config", Files.write(scratch.file("guest.conf"), CONFIG).toString());
        return task;
    }

    private static GuestDisk disk(Scratch scratch) {
        GuestDisk disk = GuestDisk.start(scratch, DEVICE, VAULT, SIZE);
        byte[] data = new byte[5 << 20];
        new Random(7).nextBytes(data);
        disk.write(0, data);
        return disk;
    }

    private Path restored(Scratch scratch, Vault vault, String volid, String type) throws IOException {
        Path target = Files.createTempDirectory(scratch.root(), "restored-");
        Map<String, Object> task = new LinkedHashMap<>();
        task.put("task", "restore");
        task.put("socket", vault.socket().toString());
        task.put("plugin", vault.type());
        task.put("storeid", VAULT);
        Map<String, Object> section = new LinkedHashMap<>(vault.section());
        section.put("type", vault.type());
        task.put("scfg", section);
        task.put("vmid", vmid);
        task.put("type", type);
        task.put("start", 1);
        task.put("volname", volid.substring(volid.indexOf(':') + 1));
        task.put("to", target.toString());
        PerlBackupHost host = PerlBackupHost.start(scratch, false, task);
        host.finish();
        assertThat(host.said("error")).isEmpty();
        return target;
    }

    @ParameterizedTest
    @CsvSource({
        "tenonbackup, nbd",
        "tenonbackup, sealed nbd",
        "ChainBackupPlugin, nbd",
        "ChainBackupPlugin, file-handle",
        "DraftBackupPlugin, nbd",
        "DraftBackupPlugin, file-handle"
    })
    void aVmIsBackedUpWholeAndThenWhatChanged(String plugin, String mechanism, Scratch scratch) throws IOException {
        Vault vault = vault(scratch, plugin, mechanism);
        GuestDisk disk = disk(scratch);
        List<byte[]> contents = new ArrayList<>();
        List<Vzdump> runs = new ArrayList<>();
        for (String wanted : List.of("new", "use")) {
            contents.add(disk.content());
            Vzdump run = new Vzdump(scratch, task(scratch, vault, "qemu")).finish(disk);
            assertThat(run.said("error")).isEmpty();
            assertThat(run.said("target id")).containsExactly(disk.bitmap());
            assertThat(run.said("setup")).containsExactly(Map.of(DEVICE, wanted));
            assertThat(run.said("hook")).contains("backup-end", "job-end");
            disk.write(SIZE - 512, new byte[512]);
            disk.write(6 << 20, "written since".getBytes(StandardCharsets.US_ASCII));
            runs.add(run);
        }
        List<Map<String, Object>> archives = runs.getLast().archives();
        assertThat(archives)
                .hasSize(2)
                .allSatisfy(archive ->
                        assertThat(archive).containsEntry("subtype", "qemu").containsEntry("notes", "guest is well"));
        assertThat(archives)
                .allSatisfy(archive -> assertThat(archive.get("encrypted"))
                        .isEqualTo(vault.section().get("encryption-key")));
        assertThat(runs.getLast().said("config")).containsOnly(HexFormat.of().formatHex(CONFIG));
        for (int i : IntStream.range(0, 2).toArray()) {
            Path target =
                    restored(scratch, vault, String.valueOf(archives.get(i).get("volid")), "qemu");
            assertThat(target.resolve(DEVICE + ".raw")).hasBinaryContent(contents.get(i));
            assertThat(target.resolve("guest.conf")).hasBinaryContent(CONFIG);
        }
    }

    enum Late {
        PROTECTED_FLAG,
        END_HOOK
    }

    /** QEMU has cleared the bitmap by then. */
    @ParameterizedTest
    @EnumSource
    void aFailureAfterTheDataLosesNoChanges(Late late, Scratch scratch) throws IOException {
        Vault vault = vault(scratch, "tenonbackup", "nbd");
        GuestDisk disk = disk(scratch);
        Map<String, Object> task = task(scratch, vault, "qemu");
        if (late == Late.END_HOOK) {
            task.put("failing-hook", "backup-end");
        } else {
            task.put("options", Map.of("protected", 1, "notes-template", ""));
            vault.section().put("max-protected-backups", 0);
        }
        Vzdump failed = new Vzdump(scratch, task).finish(late == Late.END_HOOK ? disk : null);
        assertThat(failed.said("error")).containsExactly("job errors\n");
        vault.section().remove("max-protected-backups");
        disk.write(1 << 20, "written since".getBytes(StandardCharsets.US_ASCII));

        Vzdump next = new Vzdump(scratch, task(scratch, vault, "qemu")).finish(disk);

        assertThat(next.said("error")).isEmpty();
        String newest = String.valueOf(next.archives().getLast().get("volid"));
        assertThat(restored(scratch, vault, newest, "qemu").resolve(DEVICE + ".raw"))
                .hasBinaryContent(disk.content());
    }

    @ParameterizedTest
    @ValueSource(strings = {"tenonbackup", "ChainBackupPlugin"})
    void aContainerIsReadInNamespacesOfItsOwn(String plugin, Scratch scratch) throws IOException {
        Vault vault = vault(scratch, plugin, "nbd");
        Path root = ContainerRunTest.tree(scratch, 100_000);
        String before = ContainerRunTest.told(root, 100_000);
        Map<String, Object> task = task(scratch, vault, "lxc");
        task.put("directory", root.toString());
        task.put("options", Map.of("exclude-path", List.of("/var/tmp/left-out")));

        Vzdump run = new Vzdump(scratch, task).finish(null);

        assertThat(run.said("error")).isEmpty();
        Map<String, Object> archive = run.archives().getFirst();
        assertThat(archive).containsEntry("subtype", "lxc");
        Path target = restored(scratch, vault, String.valueOf(archive.get("volid")), "lxc");
        assertThat(ContainerRunTest.told(target.resolve("tree"), 0)).isEqualTo(before);
    }
}
