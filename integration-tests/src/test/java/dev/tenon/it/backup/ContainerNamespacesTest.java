package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.backup.host.BackupRequest;
import dev.tenon.core.backup.host.BackupRun;
import dev.tenon.core.backup.host.ContainerRequest;
import dev.tenon.core.command.Command;
import dev.tenon.core.config.ConfigStore;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.service.Permissions;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.core.spi.backup.GuestConfigs;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who sees what is mounted while a container is backed up: the same as under PVE's worker and its child. */
class ContainerNamespacesTest {
    private static final long ROOT = 100_000;

    @BeforeEach
    void needsRoot() {
        assumeTrue(EffectiveUser.id() == 0, "namespaces of containers need root");
    }

    private static Path container(Scratch scratch) throws IOException {
        Path root = Files.createDirectory(scratch.file("rootfs"));
        Files.createDirectories(root.resolve("etc"));
        Files.createDirectories(root.resolve("sbin"));
        Command.of("chown", "-R", ROOT + ":" + ROOT, root.toString()).run();
        return root;
    }

    @Test
    void whatAProviderMountsBeforeIsThereForTheOneWhoReads(Scratch scratch) throws IOException {
        Path mounted = Files.createDirectories(scratch.storage().resolve("mounted"));
        for (Path path : List.of(scratch.root(), scratch.storage(), mounted)) {
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        Path root = container(scratch);
        Map<String, StoragePlugin> types = Map.of(
                "mountingbackup",
                SidecarHost.start(scratch, Installation.plugin("MountingBackupPlugin.pm"))
                        .plugin());
        Path file = Files.writeString(
                scratch.file("storage.cfg"), "mountingbackup: vault\n\tpath " + scratch.storage() + "\n");
        ConfigStore configs = new ConfigStore(file, types, Locks.forFile(file));
        StorageService service = new StorageService(
                configs::current, types, "here", new Locks(scratch.file("lock"), null), Runnable::run, Permissions.ALL);
        BackupRequest request = new BackupRequest(
                new StorageId("vault"),
                new Vmid(100),
                new GuestConfigs(BackupHost.CONFIG, Optional.empty()),
                BackupLimits.NONE,
                null,
                false,
                null);
        List<String> said = Collections.synchronizedList(new ArrayList<>());

        new BackupRun(service, request, scratch.runtime(), (level, line) -> said.add(line))
                .ofContainer(new ContainerRequest(root, List.of()));

        assertThat(said.stream().map(line -> line.replaceFirst("^INFO: ", "")))
                .containsSubsequence(
                        "prepare: user 0 sees etc sbin",
                        "backup: user 0 sees etc sbin",
                        "mounted: user 0 sees etc sbin",
                        "cleanup: user 0 sees ");
        assertThat(mounted).isEmptyDirectory();
    }

    /** PVE mounts storages there, which a provider needs. */
    @Test
    void whatIsBelowMntIsNotHiddenFromTheOneWhoReads(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        List<String> seen = new ArrayList<>();
        for (String call : List.of("prepareContainer", "backupContainer")) {
            host.on(call, real -> {
                try (Stream<Path> works = Files.list(scratch.runtime())) {
                    Path work = works.findFirst().orElseThrow();
                    String holder = call.equals("prepareContainer") ? "namespace-worker" : "namespace-reader";
                    String process = Files.readString(work.resolve(holder)).strip();
                    seen.add(Command.of("ls", "-A", "/proc/" + process + "/root/mnt")
                            .run());
                    seen.add(Command.of("ls", "-A", "/proc/" + process + "/root/mnt/vzsnap0")
                            .run());
                }
                return real.proceed();
            });
        }

        host.backUpContainer(container(scratch));

        String here = Command.of("ls", "-A", "/mnt").run();
        assertThat(seen).containsExactly(here, "etc\nsbin\n", here, "etc\nsbin\n");
        assertThat(Path.of("/mnt/vzsnap0")).isEmptyDirectory();
    }
}
