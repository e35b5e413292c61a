package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.NativeTypes;
import dev.tenon.core.command.Command;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.ContainerArchive;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Containers in a repository, with the file system's own files. */
class ContainerBackupTest {
    private StorageCommands tenon;
    private Scratch scratch;
    private Path root;

    @BeforeEach
    void make(Scratch given) throws IOException {
        assumeTrue(EffectiveUser.id() == 0, "owners and devices of containers need root");
        scratch = given;
        root = given.file("rootfs");
        tenon = new StorageCommands(scratch);
        tenon.said(
                "storage",
                "add",
                "tenonbackup",
                "keep",
                "--path",
                scratch.file("repository").toString());
        Files.write(scratch.file("pct.conf"), BackupHost.CONFIG.bytes());
    }

    private static String sh(Path directory, String script) {
        return Command.of("sh", "-c", "cd '" + directory + "' && { " + script + "; }")
                .run();
    }

    private TenonCommand backup(String... more) {
        String[] words = {
            "backup",
            "create",
            "--storage",
            "keep",
            "--vmid",
            "101",
            "--container",
            root.toString(),
            "--guest-config",
            scratch.file("pct.conf").toString()
        };
        TenonCommand made = tenon.run(
                Stream.concat(Arrays.stream(words), Arrays.stream(more)).toArray(String[]::new));
        assertThat(made.status()).as(made.errors()).isZero();
        return made;
    }

    private static String volume(TenonCommand made) {
        return made.said().lines().toList().getLast();
    }

    /** What the tree of {@link ContainerRunTest} has not: capabilities, devices, a pipe, lists of users known here. */
    private void more(long rootId) {
        sh(
                root,
                "cp /bin/true usr/ping;"
                        + " mknod dev-zero c 1 5; mkfifo pipe; touch -d '1969-12-31 23:59:58.75 UTC' old;"
                        + " chown " + rootId + ":" + rootId + " usr usr/ping dev-zero pipe old;"
                        + " setcap cap_net_raw+ep usr/ping;"
                        + " mkdir lists; chown " + rootId + ":" + rootId + " lists; setfacl -m u:" + (rootId + 1)
                        + ":rx,d:g:" + (rootId + 8) + ":r lists;"
                        + " mkdir -p \"$(printf 'n%.0s' $(seq 120))/$(printf 'm%.0s' $(seq 120))\";"
                        + " chown -R " + rootId + ":" + rootId + " n*");
    }

    private static String moreTold(Path root, long rootId) {
        return sh(
                        root,
                        "getcap usr/ping; stat -c '%F %t %T' dev-zero pipe; stat -c '%.9Y' old; getfacl -n -c lists;"
                                + " ls -d n*/m*")
                .replace("user:" + (rootId + 1) + ":", "user:1:")
                .replace("group:" + (rootId + 8) + ":", "group:8:")
                .replaceAll(" \\[rootid=" + rootId + "\\]", "");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 100_000})
    void aContainerComesBackWithAllThatItsFileSystemKnows(long rootId) throws IOException {
        root = ContainerRunTest.tree(scratch, rootId);
        more(rootId);
        String before = ContainerRunTest.told(root, rootId);
        String moreBefore = moreTold(root, rootId);
        assertThat(moreBefore).contains("cap_net_raw", "character special file 1 5", "-1.250000000", "user:1:r-x");
        try (ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            socket.bind(UnixDomainSocketAddress.of(root.resolve("socket")));

            String volume = volume(backup("--exclude", "/var/tmp/?*"));
            Path out = scratch.file("out");
            TenonCommand restored = tenon.run("backup", "restore", volume, out.toString());

            assertThat(restored.status()).as(restored.errors()).isZero();
            Files.delete(root.resolve("socket"));
            Path tree = out.resolve("rootfs");
            assertThat(tree.resolve("socket")).doesNotExist();
            assertThat(tree.resolve("var/tmp/left-out")).doesNotExist();
            assertThat(ContainerRunTest.told(tree, 0)).isEqualTo(before);
            assertThat(moreTold(tree, 0)).isEqualTo(moreBefore);
            assertThat(Files.getAttribute(tree.resolve("etc/hard"), "unix:ino"))
                    .isEqualTo(Files.getAttribute(tree.resolve("etc/hostname"), "unix:ino"));
            assertThat(Command.of("du", "-k", tree.resolve("var/sparse").toString())
                            .run())
                    .as("it has its hole")
                    .matches("(?s)[0-9]{1,3}\t.*");
            assertThat(out.resolve("pct.conf")).hasBinaryContent(BackupHost.CONFIG.bytes());
            assertRestoredByPve(volume);
        }
    }

    /** PVE lists the archive, and gives tar its own options: access lists only as text, few attributes. */
    private void assertRestoredByPve(String volume) throws IOException {
        Storage storage = Storage.of(
                "keep", "tenonbackup", Map.of("path", scratch.file("repository").toString()));
        Path into = Files.createDirectory(scratch.file("by-pve"));
        TaskLog log = (_, _) -> {};
        try (BackupProvider provider =
                Objects.requireNonNull(NativeTypes.all().get("tenonbackup")).newBackupProvider(storage, log)) {
            ContainerArchive archive =
                    provider.initContainerRestore(VolumeId.parse(volume).volume());
            Path tar = ((ContainerArchive.Tar) archive).file();
            assertThat(sh(into, "tar tf '" + tar + "'")).contains("./usr/sbin");
            sh(
                    into,
                    "tar xpf - --numeric-owner --acls --xattrs '--xattrs-include=user.*'"
                            + " '--xattrs-include=security.capability' --warning=no-file-ignored"
                            + " --warning=no-xattr-write --skip-old-files --anchored --exclude './dev/*' <'" + tar
                            + "'");
            provider.cleanupContainerRestore(VolumeId.parse(volume).volume());
        }
        assertThat(sh(into, "getfacl -n -c lists etc/hostname; getcap usr/ping"))
                .contains("user:1:r-x", "default:group:8:r--", "user:7:rw-", "cap_net_raw");
    }

    @Test
    void whatHasNotChangedIsNotReadAgain() throws IOException {
        root = Files.createDirectory(scratch.file("rootfs"));
        sh(root, "for i in 1 2 3 4 5; do head -c 300000 /dev/urandom >file-$i; done");
        TenonCommand made = backup();
        assertThat(made.errors()).contains("read 1.43 MiB");

        // What was changed a moment before may change again without being seen.
        made = Awaitility.await("files that are not read")
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(500))
                .until(this::backup, again -> again.errors().contains("; 5 files are as in the last backup"));
        assertThat(made.errors()).contains("read 0 B; 5 files are as in the last backup");

        String before = volume(made);
        sh(root, "printf x | dd of=file-3 conv=notrunc status=none; chmod 640 file-4; rm file-5");
        made = backup();
        assertThat(made.errors()).contains("read 585.94 KiB; 2 files are as in the last backup");
        assertThat(tenon.said("backup", "diff", before, volume(made)))
                .containsPattern("changed +/file-3\nchanged +/file-4\nremoved +/file-5\n")
                .doesNotContain("/file-1");
        Path out = scratch.file("out");
        assertThat(tenon.run("backup", "restore", volume(made), out.toString()).status())
                .isZero();
        assertThat(sh(out.resolve("rootfs"), "stat -c '%a %n' *; sha256sum *"))
                .isEqualTo(sh(root, "stat -c '%a %n' *; sha256sum *"));
    }

    @Test
    void singleFilesAreListedShownAndTakenOut() throws IOException {
        root = ContainerRunTest.tree(scratch, 0);
        String volume = volume(backup());

        assertThat(tenon.said("backup", "ls", volume))
                .containsPattern("drwxr-xr-x +0 +0 .* /etc\n")
                .doesNotContain("/etc/hostname");
        assertThat(tenon.said("backup", "ls", volume, "/etc"))
                .containsPattern("-rw-rw-r--\\+ +33 +0 +6 .* /etc/hard\n")
                .contains("/etc/hostname = /etc/hard", "/etc/link -> hostname");
        assertThat(tenon.said("backup", "ls", volume, "--recursive", "--json"))
                .contains("\"path\" : \"/var/sparse\"", "\"size\" : 8388612");
        assertThat(tenon.run("backup", "ls", volume, "/nosuch").errors()).contains("there is no '/nosuch'");
        assertThat(tenon.run("backup", "cat", volume, "/etc").errors()).contains("is no file");

        Path found = scratch.file("found");
        assertThat(tenon.said("backup", "extract", volume, "/etc/hostname", found.toString()))
                .contains(found.toString());
        assertThat(found.resolve("hostname"))
                .as("the link's other name is not taken out")
                .hasContent("hello");
        tenon.said("backup", "extract", volume, "var", found.toString());
        assertThat(found.resolve("var/sparse")).hasSize(8_388_612);
        assertThat(sh(found, "getfacl -n -c hostname")).contains("user:7:rw-");
    }
}
