package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.backup.host.MadeBackup;
import dev.tenon.core.command.Command;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.it.support.BtrfsMount;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of containers. */
class ContainerRunTest {
    @BeforeEach
    void needsRoot() {
        assumeTrue(EffectiveUser.id() == 0, "owners and namespaces of containers need root");
    }

    /** Whatever a container's files have that a plain copy would lose. */
    static Path tree(Scratch scratch, long rootId) throws IOException {
        return tree(Files.createDirectory(scratch.file("rootfs")), rootId);
    }

    /** The same in an empty directory. */
    static Path tree(Path root, long rootId) {
        sh(
                root,
                "mkdir -p etc dev usr/sbin var/tmp; echo hello >etc/hostname; ln -s hostname etc/link; ln etc/hostname etc/hard;"
                        + " truncate -s 8M var/sparse; echo end >>var/sparse;"
                        + " touch dev/null var/tmp/left-out;"
                        + " echo x >'odd\nname'; chown -R " + rootId + ":" + rootId + " .; chown " + (rootId + 33)
                        + " etc/hostname;"
                        + " setfattr -n user.note -v kept etc/hostname; setfacl -m u:" + (rootId + 7)
                        + ":rw etc/hostname;"
                        + " chmod 4751 usr/sbin");
        return root;
    }

    private static String sh(Path directory, String script) {
        return Command.of("sh", "-c", "cd '" + directory + "' && { " + script + "; }")
                .run();
    }

    /** Owners less the first id, kinds, modes, sizes, links, names, content, attributes and access lists. */
    static String told(Path root, long rootId) {
        return toldOfFiles(root, rootId)
                + sh(root, "getfattr -n user.note --only-values etc/hostname; echo; getfacl -n -c etc/hostname")
                        .replace("user:" + (rootId + 7) + ":", "user:7:");
    }

    /** The same without attributes and access lists. */
    static String toldOfFiles(Path root, long rootId) {
        return sh(
                root,
                "find . -mindepth 1 '(' -path './dev/*' -o -path ./var/tmp/left-out ')' -prune -o"
                        + " -printf '%U %G %y %m %s %n %P %l\\0' | tr '\\n\\0' '|\\n' | awk -v id=" + rootId
                        + " '{ $1 -= id; $2 -= id; if ($3 == \"d\") $5 = \"-\"; print }' | LC_ALL=C sort;"
                        + " sha256sum var/sparse etc/hard");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 100_000})
    void aContainerIsRestoredAsItWasInItsOwnIds(long rootId, Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        Path root = tree(scratch, rootId);
        String before = told(root, rootId);
        assertThat(before).contains("33 0 f 664 6 2 etc/hostname", "0 0 d 4751 - ", "user:7:rw-", "kept", "odd|name");

        MadeBackup made = host.backUpContainer(root, "/var/tmp/?*");
        host.restore(made.volume(), scratch.file("restored"));

        Path restored = scratch.file("restored").resolve("rootfs");
        assertThat(told(restored, 0)).isEqualTo(before);
        assertThat(restored.resolve("var/tmp/left-out")).doesNotExist();
        assertThat(restored.resolve("dev/null")).doesNotExist();
        assertThat(Files.getAttribute(restored.resolve("etc/hard"), "unix:ino"))
                .isEqualTo(Files.getAttribute(restored.resolve("etc/hostname"), "unix:ino"));
        assertThat(Command.of("du", "-k", restored.resolve("var/sparse").toString())
                        .run())
                .as("it has its hole")
                .matches("(?s)[0-9]{1,3}\t.*");
        assertThat(Files.readAllBytes(scratch.file("restored").resolve("pct.conf")))
                .isEqualTo(BackupHost.CONFIG.bytes());
        assertThat(host.calls)
                .containsSubsequence(
                        "initBackup",
                        "backupMechanism",
                        "prepareContainer",
                        "backupContainer",
                        "cleanupBackup",
                        "handleLogFile",
                        "cleanupJob");
        assertThat(scratch.runtime()).isEmptyDirectory();
    }

    /**
     * No archive has access lists as text, in which tar writes the names that this host has for the ids: another host gives
     * the rights to others, or, where the name is unknown, to nobody.
     */
    static void assertListsOfIds(Path storage) throws IOException {
        try (Stream<Path> files = Files.walk(storage)) {
            assertThat(files.filter(file -> file.toString().endsWith(".tar")).toList())
                    .isNotEmpty()
                    .allSatisfy(tar -> assertThat(Files.readString(tar, StandardCharsets.ISO_8859_1))
                            .contains("SCHILY.xattr.system.posix_acl_access")
                            .doesNotContain("SCHILY.acl."));
        }
    }

    @Test
    void accessListsOfUsersWhomThisHostKnowsAreKeptByNumber(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        Path root = Files.createDirectory(scratch.file("rootfs"));
        sh(root, "echo hello >file; setfacl -m u:daemon:rw,g:mail:r file");

        MadeBackup made = host.backUpContainer(root);
        host.restore(made.volume(), scratch.file("restored"));

        assertListsOfIds(scratch.file("shelf"));
        assertThat(sh(scratch.file("restored").resolve("rootfs"), "getfacl -n -c file"))
                .contains("user:1:rw-", "group:8:r--");
    }

    /** In a snapshot, what was a subvolume below is an empty directory that looks like a file system of its own. */
    @Test
    void subvolumesAreIncludedAndThoseThatASnapshotLacksAreNamed(Scratch scratch) throws IOException {
        BackupHost host = new BackupHost(scratch, BackupMechanism.NBD);
        Path btrfs = BtrfsMount.make(scratch);
        sh(
                btrfs,
                "btrfs -q subvolume create rootfs; btrfs -q subvolume create rootfs/data; echo hello >rootfs/data/file;"
                        + " btrfs -q subvolume snapshot -r rootfs snapshot");

        MadeBackup made = host.backUpContainer(btrfs.resolve("rootfs"));
        assertThat(host.said).contains("INFO INFO: the subvolume './data' is included");
        host.restore(made.volume(), scratch.file("restored"));
        assertThat(scratch.file("restored/rootfs/data/file")).hasContent("hello");

        host.said.clear();
        BackupRunTest.waitForNextSecond();
        host.backUpContainer(btrfs.resolve("snapshot"));
        assertThat(host.said).contains("WARN the subvolume './data' is not in this snapshot, so it is not backed up");
    }
}
