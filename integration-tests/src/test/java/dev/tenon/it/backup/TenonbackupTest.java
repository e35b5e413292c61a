package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.backup.vma.Vma;
import dev.tenon.core.backup.vma.VmaWriter;
import dev.tenon.core.command.Command;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Backups into a repository of chunks, from a shell, with real disks. The file is long because every command of such a storage
 * is tried in it on the same disks and files.
 */
class TenonbackupTest {
    private StorageCommands tenon;
    private Path repository;
    private Path disk;
    private Path config;
    private Scratch scratch;

    @BeforeEach
    void make(Scratch given) throws IOException {
        scratch = given;
        tenon = new StorageCommands(scratch);
        repository = scratch.file("repository");
        tenon.said("storage", "add", "tenonbackup", "keep", "--path", repository.toString());
        disk = scratch.file("disk.qcow2");
        Command.of("qemu-img", "create", "-q", "-f", "qcow2", disk.toString(), "50M")
                .run();
        write("write -P 7 1M 9M");
        config = Files.write(scratch.file("guest.conf"), new byte[] {'n', ':', (byte) 0xfc, '\n'});
    }

    private void write(String command) {
        Command.of("qemu-io", "-f", "qcow2", "-c", command, disk.toString()).run();
    }

    private TenonCommand backup(String vmid) {
        TenonCommand made = tenon.run(
                "backup",
                "create",
                "--storage",
                "keep",
                "--vmid",
                vmid,
                "--disk",
                disk.toString(),
                "--guest-config",
                config.toString());
        assertThat(made.status()).as(made.errors()).isZero();
        return made;
    }

    private static String volume(TenonCommand made) {
        List<String> lines = made.said().lines().toList();
        return lines.getLast();
    }

    private void assertRestored(String volume, Path expected) throws IOException {
        Path out = scratch.file("out-" + System.nanoTime());
        TenonCommand restored = tenon.run("backup", "restore", volume, out.toString());
        assertThat(restored.status()).as(restored.errors()).isZero();
        Path raw = out.resolve("drive-scsi0.raw");
        assertThat(Command.of("qemu-img", "compare", "-F", "raw", expected.toString(), raw.toString())
                        .run())
                .contains("Images are identical");
        assertThat(tenon.run("backup", "extract-config", volume).status()).isZero();
    }

    private Path copy() throws IOException {
        return Files.copy(disk, scratch.file("copy-" + System.nanoTime() + ".qcow2"));
    }

    private long packed() throws IOException {
        try (Stream<Path> files = Files.walk(repository)) {
            return files.filter(file -> file.toString().endsWith(".pack"))
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }

    @Test
    void anIncrementalBackupReadsWhatChangedAndIsRestoredByItself() throws IOException {
        TenonCommand first = backup("100");
        Path before = copy();
        write("write -P 9 20M 64k");
        TenonCommand second = backup("100");

        assertThat(first.errors()).contains("all is read; a bitmap begins", "read 9.00 MiB of 50.00 MiB");
        assertThat(second.errors()).contains("only what changed since the last backup is read", "read 4.00 MiB");
        assertRestored(volume(first), before);
        assertRestored(volume(second), disk);
        assertThat(tenon.said("backup", "forget", volume(first))).isEmpty();
        assertRestored(volume(second), disk);
    }

    @Test
    void afterItsBaseWasForgottenABackupIsFullAgain() throws IOException {
        TenonCommand first = backup("100");
        tenon.said("backup", "forget", volume(first));
        assertThat(packed()).as("the space of what is gone is free").isZero();
        write("write -P 9 20M 64k");

        TenonCommand second = backup("100");

        assertThat(second.errors()).contains("all is read").doesNotContain("only what changed");
        assertRestored(volume(second), disk);
    }

    @Test
    void whatGuestsHaveInCommonIsStoredOnce() throws IOException {
        backup("100");
        long one = packed();

        String other = volume(backup("101"));

        assertThat(packed() - one).isLessThan(one / 4);
        assertRestored(other, disk);
    }

    @Test
    void protectedBackupsStayAndOthersArePruned() throws IOException {
        String first = volume(backup("100"));
        tenon.said("volume", "protect", first);
        String second = volume(backup("100"));
        String third = volume(backup("100"));

        assertThat(tenon.run("backup", "forget", first).errors()).contains("is protected");
        tenon.said("volume", "notes", second, "--set", "a note\nof two lines");
        assertThat(tenon.said("backup", "list", "keep")).contains("a note").doesNotContain("of two lines");
        assertThat(tenon.said("backup", "prune", "keep", "--keep", "keep-last=1", "--dry-run"))
                .containsPattern(second + " .* remove")
                .containsPattern(third + " .* keep")
                .containsPattern(first + " .* protected");
        assertThat(tenon.said("backup", "list", "keep")).contains(first, second, third);
        tenon.said("backup", "prune", "keep", "--keep", "keep-last=1");

        assertThat(tenon.said("backup", "list", "keep")).contains(first, third).doesNotContain(second);
        assertRestored(first, disk);
    }

    @Test
    void aRepositoryThatIsThereIsTakenAndAFullDirectoryIsNot() throws IOException {
        String volume = volume(backup("100"));
        tenon.said("storage", "remove", "keep");
        tenon.said("storage", "add", "tenonbackup", "kept", "--path", repository.toString());

        assertRestored(volume.replace("keep:", "kept:"), disk);
        TenonCommand refused = tenon.run(
                "storage",
                "add",
                "tenonbackup",
                "other",
                "--path",
                scratch.root().toString());
        assertThat(refused.status()).isOne();
        assertThat(refused.errors()).contains("is not empty; a repository is made in an empty one");
    }

    @Test
    void aRepositoryTellsWhatItHoldsAndWhatIsDamaged() throws IOException {
        String first = volume(backup("100"));
        write("write -P 9 20M 64k");
        String second = volume(backup("100"));

        assertThat(tenon.said("backup", "stats", "keep"))
                .containsPattern("default/qemu/100 +2 +100.00 MiB +[0-9.]+ MiB");
        assertThat(tenon.said("backup", "stats", repository.toString(), "--json"))
                .contains("\"snapshots\" : 2", "\"disks\" : 104857600");
        assertThat(tenon.said("backup", "diff", first, second))
                .containsPattern("drive-scsi0 +20.00 MiB +4.00 MiB")
                .contains("drive-scsi0: 4.00 MiB differ");
        assertThat(tenon.said("backup", "verify", "keep")).contains("chunks were read");
        assertThat(tenon.said("backup", "gc", "keep", "--json")).contains("\"packs\" : 0");

        Path pack;
        try (Stream<Path> files = Files.walk(repository)) {
            pack = files.filter(file -> file.toString().endsWith(".pack"))
                    .min((a, b) ->
                            Long.compare(a.toFile().lastModified(), b.toFile().lastModified()))
                    .orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(pack);
        bytes[30] ^= 1;
        Files.write(pack, bytes);
        TenonCommand verified = tenon.run("backup", "verify", "keep");
        assertThat(verified.status()).isOne();
        assertThat(verified.said()).contains("1 of ", "default/qemu/100/");
        assertThat(verified.errors()).contains("1 packs are damaged", "store what is damaged again");
    }

    @Test
    void backupsAreCopiedToASecondRepositoryAndAreGoodThereByThemselves() throws IOException {
        String first = volume(backup("100"));
        Path before = copy();
        write("write -P 9 20M 64k");
        String second = volume(backup("100"));
        tenon.said("volume", "notes", first, "--set", "a note");
        tenon.said("volume", "protect", first);
        Path away = scratch.file("away");
        tenon.said("storage", "add", "tenonbackup", "away", "--path", away.toString());

        assertThat(tenon.said("backup", "copy", second, "--to", "away")).containsPattern("100/.* were new");
        assertThat(tenon.said("backup", "copy", "--all", "keep", "--to", away.toString()))
                .containsPattern("100/.* were new")
                .contains("is there already");

        tenon.said("storage", "remove", "keep");
        Files.move(repository, scratch.file("gone"));
        assertRestored(first.replace("keep:", "away:"), before);
        assertRestored(second.replace("keep:", "away:"), disk);
        assertThat(tenon.said("backup", "verify", "away")).contains("chunks were read");
        assertThat(tenon.said("backup", "list", "away")).contains("a note", "yes");
        assertThat(tenon.run("backup", "copy", "--to", "away").errors()).contains("name backups, or a storage");
    }

    @Test
    void singleDisksAreRestored() throws IOException {
        TenonCommand made = tenon.run(
                "backup",
                "create",
                "--storage",
                "keep",
                "--vmid",
                "100",
                "--disk",
                "drive-scsi0=" + disk,
                "--disk",
                "drive-scsi1=" + copy(),
                "--guest-config",
                config.toString());
        assertThat(made.status()).as(made.errors()).isZero();
        Path out = scratch.file("out");

        tenon.said("backup", "restore", volume(made), out.toString(), "--only", "drive-scsi1", "--quiet");

        assertThat(out.resolve("drive-scsi1.raw")).exists();
        assertThat(out.resolve("drive-scsi0.raw")).doesNotExist();
        assertThat(tenon.run(
                                "backup",
                                "restore",
                                volume(made),
                                scratch.file("no").toString(),
                                "--only",
                                "drive-ide9")
                        .errors())
                .contains("the archive has no disk 'drive-ide9'");
        assertThat(scratch.file("no")).doesNotExist();
    }

    @Test
    void aRepositoryIsMadeOnlyInAnEmptyDirectory() throws IOException {
        Path made = scratch.file("made");

        assertThat(tenon.said("backup", "init", made.toString())).contains(made.toString());

        assertThat(tenon.said("backup", "verify", made.toString())).contains("0 chunks were read");
        assertThat(tenon.run("backup", "init", made.toString()).errors()).contains("is not empty");
        assertThat(tenon.run("backup", "verify", "nosuch").status()).isOne();
    }

    @Test
    void anArchiveOfVzdumpIsTakenOverAsItComesPacked() throws IOException {
        Path raw = scratch.file("disk.raw");
        Command.of("qemu-img", "convert", "-O", "raw", disk.toString(), raw.toString())
                .run();
        Path vma = scratch.file("vzdump-qemu-100-2026_01_02-03_04_05.vma");
        Vma.Device device = new Vma.Device(1, "drive-scsi0", ByteSize.ofBytes(Files.size(raw)));
        try (OutputStream out = Files.newOutputStream(vma);
                InputStream in = Files.newInputStream(raw)) {
            VmaWriter writer = new VmaWriter(
                    out,
                    Instant.parse("2026-01-02T03:04:05Z"),
                    Map.of("qemu-server.conf", Files.readAllBytes(config)),
                    List.of(device));
            for (int cluster = 0; cluster < device.clusters(); cluster++) {
                writer.write(device, cluster, Arrays.copyOf(in.readNBytes(Vma.CLUSTER), Vma.CLUSTER));
            }
            writer.finish();
        }
        Path packed = scratch.file(vma.getFileName() + ".zst");
        Command.of("zstd", "-q", vma.toString(), "-o", packed.toString()).run();
        Files.writeString(scratch.file(packed.getFileName() + ".notes"), "before the upgrade");
        Files.createFile(scratch.file(packed.getFileName() + ".protected"));

        String volume = tenon.said("backup", "import", packed.toString(), "--storage", "keep", "--quiet")
                .strip();

        assertThat(volume).isEqualTo("keep:backup/qemu/100/2026-01-02T03:04:05Z");
        assertRestored(volume, disk);
        assertThat(tenon.said("backup", "list", "keep")).contains("before the upgrade", "yes");
        TenonCommand cut = tenon.run(
                "backup",
                "import",
                Files.write(scratch.file("cut.vma.zst"), Arrays.copyOf(Files.readAllBytes(packed), 500))
                        .toString(),
                "--storage",
                "keep",
                "--vmid",
                "101");
        assertThat(cut.status()).isOne();
        assertThat(cut.errors()).contains("zstd ended with status 1");
        assertThat(tenon.said("backup", "list", "keep")).doesNotContain("qemu/101");
    }

    /** PVE parses names where there is no daemon: for notes, protection, permissions and restores. */
    @Test
    void theClassForPveTellsNamesByItself() throws IOException {
        Path file = scratch.file("TenonTenonbackup.pm");
        assertThat(TenonCommand.run(scratch, "proxy", "tenonbackup", "--output", file.toString())
                        .status())
                .isZero();
        PerlProgram perl =
                PerlProgram.start(scratch, List.of(), Installation.resource("perl/parse-names.pl"), file.toString());
        perl.say("backup/qemu/100/2026-01-02T03:04:05Z");
        assertThat(perl.line()).isEqualTo("backup qemu/100/2026-01-02T03:04:05Z 100  tenon");
        for (String name : List.of("backup/qemu/99/2026-01-02T03:04:05Z", "vm-100-disk-0", "backup/../x")) {
            perl.say(name);
            assertThat(perl.line()).isEqualTo("none");
        }
    }

    /** In a process of its own, whose keys are in the scratch directory. */
    private TenonCommand apart(String... words) {
        return TenonCommand.runProcess(
                scratch,
                new File("/dev/null"),
                Map.of("TENON_SECRET_DIR", scratch.file("priv").toString()),
                tenon.all(words));
    }

    private String saidApart(String... words) {
        TenonCommand command = apart(words);
        assertThat(command.status()).as(command.errors()).isZero();
        return command.said();
    }

    private String[] creation(String storage) {
        return new String[] {
            "backup",
            "create",
            "--storage",
            storage,
            "--vmid",
            "100",
            "--disk",
            disk.toString(),
            "--guest-config",
            config.toString(),
            "--quiet"
        };
    }

    /** PVE's way: the key is a secret of the storage, and the configuration has its fingerprint. */
    @Test
    void anEncryptedStorageKeepsItsKeyWherePveKeepsThem() throws IOException {
        Path sealed = scratch.file("sealed");
        String added = saidApart(
                "storage", "add", "tenonbackup", "sealed", "--path", sealed.toString(), "--encryption-key", "autogen");
        Path key = scratch.file("priv/sealed.enc");

        String text = Files.readString(key).strip();
        assertThat(added).contains("encryption-key", text);
        assertThat(Files.getPosixFilePermissions(key)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        assertThat(tenon.written())
                .containsPattern("encryption-key [0-9a-f]{64}")
                .doesNotContain(text);
        String volume = saidApart(creation("sealed")).strip();
        assertThat(saidApart("volume", "list", "sealed", "--json")).contains(volume);
        saidApart("backup", "restore", volume, scratch.file("out").toString(), "--quiet");
        assertThat(Command.of(
                                "qemu-img",
                                "compare",
                                "-F",
                                "raw",
                                disk.toString(),
                                scratch.file("out/drive-scsi0.raw").toString())
                        .run())
                .contains("Images are identical");

        Path host = scratch.file("host.key");
        assertThat(saidApart(
                        "backup", "key", "sealed", "--add", "host", "--write-only", "--new-key-file", host.toString()))
                .containsPattern("host +key file +only add")
                .containsPattern("sealed +key file +read and add");
        saidApart(
                "storage",
                "add",
                "tenonbackup",
                "stolen",
                "--path",
                sealed.toString(),
                "--encryption-key",
                host.toString());
        String other = saidApart(creation("stolen")).strip();
        TenonCommand refused =
                apart("backup", "restore", other, scratch.file("none").toString());
        assertThat(refused.status()).isOne();
        assertThat(refused.errors()).contains("only adds backups");
        saidApart("backup", "extract-config", other.replace("stolen:", "sealed:"));
        assertThat(saidApart("backup", "verify", sealed + "/", "--key-file", key.toString()))
                .contains("chunks were read");

        Path tree = scratch.file("tree");
        Files.writeString(Files.createDirectories(tree.resolve("etc")).resolve("hostname"), "hello");
        for (int i = 0; i < 2; i++) {
            String container = saidApart(
                            "backup",
                            "create",
                            "--storage",
                            "stolen",
                            "--vmid",
                            "101",
                            "--container",
                            tree.toString(),
                            "--guest-config",
                            config.toString(),
                            "--quiet")
                    .strip();
            assertThat(saidApart("backup", "cat", container.replace("stolen:", "sealed:"), "etc/hostname"))
                    .isEqualTo("hello");
        }

        Path copy = Files.writeString(scratch.file("copy.key"), text);
        for (int i = 0; i < 2; i++) {
            saidApart("storage", "set", "stolen", "--encryption-key", copy.toString());
        }
        assertThat(putAway("stolen"))
                .as("once, for the second time it was the same")
                .singleElement()
                .satisfies(former -> assertThat(former)
                        .hasSameTextualContentAs(Files.writeString(
                                scratch.file("host.line"),
                                Files.readString(host).strip() + "\n"))
                        .satisfies(file -> assertThat(Files.getPosixFilePermissions(file))
                                .isEqualTo(PosixFilePermissions.fromString("rw-------"))));
        saidApart("storage", "remove", "sealed");
        assertThat(key).doesNotExist();
        assertThat(putAway("sealed")).as("it may be the only key").hasSize(1);
        String another = "{\"tenon-key-file\":1,\"secret\":\"" + "A".repeat(43) + "=\"}";
        Path unfit = Files.writeString(scratch.file("another.key"), another);
        List<String> again =
                List.of("storage", "add", "tenonbackup", "again", "--path", sealed.toString(), "--encryption-key");
        TenonCommand wrong = apart(with(again, unfit.toString()));
        assertThat(wrong.status()).isOne();
        assertThat(wrong.errors()).contains("the key file does not open the repository");
        TenonCommand seen = apart(with(again, another));
        assertThat(seen.status()).isEqualTo(2);
        assertThat(seen.errors())
                .contains("takes the name of a key file and not what is in it")
                .doesNotContain("AAAA");
        assertThat(tenon.written()).doesNotContain("again");
    }

    private static String[] with(List<String> words, String last) {
        return Stream.concat(words.stream(), Stream.of(last)).toArray(String[]::new);
    }

    private List<Path> putAway(String storage) throws IOException {
        try (Stream<Path> left = Files.list(scratch.file("priv"))) {
            return left.filter(file -> file.toString().contains(storage + ".enc.removed-"))
                    .toList();
        }
    }

    @Test
    void aKeyThatIsThereStaysIfNoRepositoryCanBeMade() throws IOException {
        Path full = Files.createDirectory(scratch.file("full"));
        Files.createFile(full.resolve("something"));
        Path key = Files.writeString(Files.createDirectory(scratch.file("priv")).resolve("late.enc"), "of old\n");

        TenonCommand refused = apart(
                "storage", "add", "tenonbackup", "late", "--path", full.toString(), "--encryption-key", "autogen");

        assertThat(refused.status()).isOne();
        assertThat(refused.errors()).contains("empty");
        assertThat(key).hasContent("of old\n");
        assertThat(putAway("late")).isEmpty();
    }

    @Test
    void aStorageThatIsAddedWithoutAKeyTakesNoneThatAnEarlierOneHasLeft() throws IOException {
        Path plain = scratch.file("plain");
        Path key = Files.writeString(Files.createDirectory(scratch.file("priv")).resolve("plain.enc"), "of old\n");

        saidApart("storage", "add", "tenonbackup", "plain", "--path", plain.toString());

        assertThat(key).doesNotExist();
        assertThat(putAway("plain"))
                .singleElement()
                .satisfies(former -> assertThat(former).hasContent("of old\n"));
        String volume = saidApart(creation("plain")).strip();
        assertThat(saidApart("volume", "list", "plain", "--json")).contains(volume);
    }

    @Test
    void theDisksOfABackupAreShownUntilTheCommandIsEnded() throws Exception {
        assumeTrue(EffectiveUser.id() == 0 && Files.exists(Path.of("/dev/fuse")), "FUSE needs root here");
        String volume = volume(backup("100"));
        Path shown = Files.createDirectory(scratch.file("shown"));
        Files.createSymbolicLink(
                shown.resolve("drive-scsi9.raw"), Path.of("/run/tenon/gone")); // of one that was killed
        Path errors = scratch.file("mount.log");
        Process process = new ProcessBuilder(Installation.tenonCommand(
                        scratch.temporary(),
                        tenon.all(
                                "backup",
                                "mount",
                                volume,
                                shown.toString(),
                                "--run-dir",
                                scratch.runtime().toString())))
                .redirectError(errors.toFile())
                .start();
        try {
            String file = process.inputReader().readLine();
            assertThat(file)
                    .as(Files.readString(errors))
                    .isEqualTo(shown.resolve("drive-scsi0.raw").toString());
            assertThat(Command.of("qemu-img", "compare", "-F", "raw", disk.toString(), file)
                            .run())
                    .contains("Images are identical");
            tenon.said("backup", "forget", volume);
            assertThat(Command.of("qemu-img", "compare", "-F", "raw", disk.toString(), file)
                            .run())
                    .as("forgotten meanwhile")
                    .contains("Images are identical");
            Command.of("kill", "-INT", Long.toString(process.pid())).run();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(130);
            assertThat(errors).content().contains("'kill -TERM " + process.pid() + "'");
        } finally {
            process.destroyForcibly();
        }
        assertThat(shown).isEmptyDirectory();
        assertThat(scratch.runtime()).isEmptyDirectory();
        assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
                .doesNotContain(scratch.runtime().toString());
    }

    @Test
    void archivesOfContainersComeInAndGoOut() throws IOException {
        Path root = scratch.file("rootfs");
        Files.writeString(Files.createDirectories(root.resolve("etc/vzdump")).resolve("pct.conf"), "arch: amd64\n");
        Files.writeString(root.resolve("hello"), "world");
        Path tar = scratch.file("vzdump-lxc-101-2026_01_02-03_04_05.tar.bz2");
        Command.of("tar", "cjf", tar.toString(), "--directory=" + root, "./etc/vzdump/pct.conf", "./hello")
                .run();

        String volume = tenon.said("backup", "import", tar.toString(), "--storage", "keep", "--quiet")
                .strip();

        assertThat(volume).startsWith("keep:backup/lxc/101/2026-01-02T");
        assertThat(tenon.said("backup", "ls", volume)).contains("hello");
        TenonCommand mounted =
                tenon.run("backup", "mount", volume, scratch.file("none").toString());
        assertThat(mounted.status()).isOne();
        assertThat(mounted.errors()).contains("is the backup of a container, which has files and no disks");
        Path out = scratch.file("out.tar.zst");
        assertThat(tenon.run("backup", "export", volume, scratch.file("out.vma").toString())
                        .errors())
                .contains("does not end in .tar");
        tenon.said("backup", "export", volume, out.toString(), "--quiet");
        assertThat(Command.of("tar", "--zstd", "-xOf", out.toString(), "./hello")
                        .run())
                .isEqualTo("world");
        assertThat(tenon.run("backup", "export", volume, out.toString()).errors())
                .contains("already");
        assertThat(Files.getPosixFilePermissions(out)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        try (Stream<Path> files = Files.list(scratch.root())) {
            assertThat(files).noneMatch(file -> file.toString().endsWith(".dat"));
        }
    }

    /** Only the end of a packed file tells that all of it was right. */
    @Test
    void anArchiveThatIsDamagedWhereItIsPackedIsNotTaken() throws IOException {
        Path root = scratch.file("rootfs");
        Files.writeString(Files.createDirectories(root.resolve("etc/vzdump")).resolve("pct.conf"), "arch: amd64\n");
        byte[] random = new byte[300_000];
        new Random(1).nextBytes(random);
        Files.write(root.resolve("random"), random);
        for (String packing : List.of("gzip", "bzip2", "zstd")) {
            String end = Map.of("gzip", ".gz", "bzip2", ".bz2", "zstd", ".zst").get(packing);
            Path tar = scratch.file("vzdump-lxc-102-2026_01_02-03_04_05.tar" + end);
            Command.of(
                            "tar",
                            "cf",
                            tar.toString(),
                            "--use-compress-program=" + packing,
                            "--directory=" + root,
                            "./etc/vzdump/pct.conf",
                            "./random")
                    .run();
            byte[] good = Files.readAllBytes(tar);
            byte[] flipped = good.clone();
            flipped[good.length / 2] ^= 1;
            // What is cut from the last bytes is behind all members, in sums and in zeroes.
            byte[] ended = Arrays.copyOf(good, good.length - 3);
            for (byte[] damaged : List.of(flipped, ended, Arrays.copyOf(good, 5000))) {
                Files.write(tar, damaged);
                TenonCommand refused = tenon.run("backup", "import", tar.toString(), "--storage", "keep", "--quiet");
                assertThat(refused.status()).as(packing).isOne();
                // Whoever of the two comes to it first says so.
                assertThat(refused.errors()).containsPattern("cut or damaged|damaged or cut");
                if (Arrays.equals(damaged, ended)) {
                    assertThat(refused.errors()).contains("cut or damaged", "'" + packing + " -t'");
                }
            }
            Files.delete(tar);
        }
        assertThat(tenon.said("backup", "list", "keep")).doesNotContain("lxc/102");
    }
}
