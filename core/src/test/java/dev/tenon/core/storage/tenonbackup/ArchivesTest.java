package dev.tenon.core.storage.tenonbackup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryOptions;
import dev.tenon.core.backup.repository.RepositoryReader;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.repository.SnapshotWriter;
import dev.tenon.core.backup.repository.Unlocking;
import dev.tenon.core.backup.vma.BadArchiveException;
import dev.tenon.core.backup.vma.VmaImport;
import dev.tenon.core.backup.vma.VmaReader;
import dev.tenon.core.command.Command;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** PVE's own archives into a repository and out of it, with GNU tar as PVE uses it. */
class ArchivesTest {
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
    private static final String CONFIG = "arch: amd64\nhostname: caf\u00e9\n";
    private static final List<String> FLAGS = List.of(
            "--one-file-system",
            "-p",
            "--sparse",
            "--numeric-owner",
            "--acls",
            "--xattrs",
            "--xattrs-include=user.*",
            "--xattrs-include=security.capability",
            "--warning=no-file-ignored",
            "--warning=no-xattr-write");

    @TempDir
    private Path directory;

    private Repository repository;
    private final List<String> warnings = new ArrayList<>();

    @BeforeEach
    void make() throws IOException {
        Repository.init(directory.resolve("repository"));
        repository = Repository.open(directory.resolve("repository"));
    }

    @AfterEach
    void end() {
        repository.close();
    }

    private static void run(Path in, String script) {
        Command.of("sh", "-e", "-c", "cd \"$1\"; " + script, "sh", in.toString())
                .run();
    }

    /** What tar can keep. */
    private Path tree() throws IOException {
        Path root = Files.createDirectory(directory.resolve("rootfs"));
        run(root, """
                mkdir -p etc a a/b 'with space' empty
                chmod 1777 a; chmod 700 empty
                echo hello >etc/hostname
                echo first >z-first; ln z-first a/b/second; ln z-first zz
                ln -s ../etc/hostname a/link
                ln -s "$(printf '%0120d' 7)" long-link
                mkfifo pipe
                head -c 3000000 /dev/urandom >big
                truncate -s 5M sparse; printf x | dd of=sparse bs=1 seek=3000000 conv=notrunc status=none
                truncate -s 1M hole
                : >nothing
                touch "$(printf '%0150d' 1)" "$(printf 'b\\303\\244d\\377')"
                touch -d '1960-05-06 07:08:09.123456789 UTC' old
                touch -d '2040-01-01 00:00:00.5 UTC' new
                chmod 4755 etc/hostname
                """);
        if (EffectiveUser.id() == 0) {
            run(root, """
                    mknod device c 1 3; chown 100000:3000000 big; chown -h 7:8 a/link
                    setfattr -n user.note -v 'a=b%c' etc/hostname 2>/dev/null || :
                    setfacl -m u:1234:r-x,g:77:--x a 2>/dev/null || :
                    setfacl -d -m u:5:rwx a 2>/dev/null || :
                    setcap cap_net_raw+ep big 2>/dev/null || :
                    """);
        }
        return root;
    }

    private byte[] vzdump(Path root) throws IOException {
        Path extra = Files.createDirectories(directory.resolve("extra/etc/vzdump"));
        Files.writeString(extra.resolve("pct.conf"), CONFIG, StandardCharsets.UTF_8);
        Files.writeString(extra.resolve("pct.fw"), "[OPTIONS]\n");
        List<String> words = new ArrayList<>(List.of("tar", "cf", "-"));
        words.addAll(FLAGS);
        words.addAll(List.of(
                "--directory=" + directory.resolve("extra"),
                "./etc/vzdump/pct.conf",
                "./etc/vzdump/pct.fw",
                "--directory=" + root,
                "./"));
        Process tar = new ProcessBuilder(words)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (InputStream out = tar.getInputStream()) {
            return out.readAllBytes();
        }
    }

    private Snapshot imported(byte[] tar, int seconds) throws IOException {
        return TarImport.run(
                repository,
                "default",
                new Vmid(101),
                TIME.plusSeconds(seconds),
                new ByteArrayInputStream(tar),
                warnings::add);
    }

    private static VolumeId volume(Snapshot snapshot) {
        return new VolumeId(new StorageId("keep"), Archives.name(snapshot.id()).volume());
    }

    private byte[] exported(Snapshot snapshot) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ArchiveExport export = new ArchiveExport(repository, volume(snapshot))) {
            export.write(out, _ -> {});
        }
        return out.toByteArray();
    }

    @Test
    void aContainerComesBackAsGnuTarComparesIt() throws IOException {
        Path root = tree();

        Snapshot snapshot = imported(vzdump(root), 0);
        byte[] tar = exported(snapshot);

        assertThat(warnings).allMatch(told -> told.endsWith("'games', which is taken for number 5, as on this host"));
        assertThat(String.valueOf(snapshot.config()))
                .isEqualTo(String.valueOf(RawConfig.of(CONFIG.getBytes(StandardCharsets.UTF_8))));
        assertThat(snapshot.firewall()).isNotNull();
        Path archive = Files.write(directory.resolve("again.tar"), tar);
        assertThat(Command.of("tar", "tf", archive.toString()).run().lines().limit(3))
                .containsExactly("./etc/vzdump/pct.conf", "./etc/vzdump/pct.fw", "./");
        List<String> compare = new ArrayList<>(List.of(
                "tar",
                "--compare",
                "--numeric-owner",
                "--acls",
                "--xattrs",
                "--file=" + archive,
                "--directory=" + root,
                "--exclude=./etc/vzdump"));
        Command.of(compare.toArray(String[]::new)).run();
        Path unpacked = Files.createDirectory(directory.resolve("unpacked"));
        List<String> extract = new ArrayList<>(List.of("tar", "xpf", archive.toString()));
        extract.addAll(FLAGS.subList(2, 8));
        extract.addAll(List.of("--exclude=./etc/vzdump", "--directory=" + unpacked));
        Command.of(extract.toArray(String[]::new)).run();
        assertThat(listing(unpacked)).isEqualTo(listing(root));
        assertThat(imported(tar, 1).stored().bytes())
                .as("the same again, but for tables")
                .isLessThan(100_000);
    }

    /** Chunks have other names there, so entries, lists and tables are other ones, too. */
    @Test
    void aContainerIsTheSameInARepositoryWithAKey() throws IOException {
        Path root = tree();
        run(root, "head -c 100M /dev/urandom >long");
        Snapshot snapshot = imported(vzdump(root), 0);
        byte[] before = exported(snapshot);
        Unlocking.KeyFile key = Unlocking.KeyFile.generate();
        Repository.init(directory.resolve("sealed"), new RepositoryOptions(Map.of("me", key), 0));

        try (Repository plain = repository;
                Repository sealed = Repository.open(directory.resolve("sealed"), key)) {
            Snapshot copy = plain.copy(snapshot.id(), sealed).orElseThrow();
            repository = sealed;
            assertThat(Arrays.equals(exported(copy), before)).isTrue();
            assertThat(sealed.verify().isSound()).isTrue();
            assertThat(sealed.collect().packs()).isZero();
            assertThat(Arrays.equals(exported(copy), before)).isTrue();
        }
    }

    /** All that is known of each file; directories get their times when they are filled. */
    private static String listing(Path root) {
        return Command.of(
                        "sh",
                        "-c",
                        "cd \"$1\"; find . -mindepth 1 -printf '%p %y %m %U %G %s %T@ %l %n\\n' | LC_ALL=C sort;"
                                + " getfacl -R -n . 2>/dev/null; getfattr -R -d -m- . 2>/dev/null; find . -type f | LC_ALL=C"
                                + " sort | tr '\\n' '\\0' | xargs -0 sha256sum",
                        "sh",
                        root.toString())
                .run();
    }

    @Test
    void holesStayHoles() throws IOException {
        Path root = tree();
        Path archive = Files.write(directory.resolve("again.tar"), exported(imported(vzdump(root), 0)));
        Path unpacked = Files.createDirectory(directory.resolve("unpacked"));
        Command.of("tar", "xpf", archive.toString(), "--directory=" + unpacked).run();

        assertThat(Command.of("du", "-k", unpacked.resolve("sparse").toString()).run())
                .matches("(?s)[0-9]{1,3}\\s.*");
        assertThat(Files.mismatch(unpacked.resolve("sparse"), root.resolve("sparse")))
                .isEqualTo(-1);
    }

    @Test
    void namesInAccessListsAreToldAndNotGuessed() {
        TarImport.Numbers numbers = (isUser, name) -> !isUser && name.equals("adm") ? 4 : null;
        assertThat(TarImport.list(
                        "user::rwx\nuser:1234:r-x\ngroup::r-x\ngroup:adm:--x\nmask::r-x\nother::---\n", numbers))
                .hasSize(4 + 6 * 8)
                .containsSequence(8, 0, 1, 0, 4, 0, 0, 0);
        assertThat(TarImport.list("user::rwx,user:adm:r-x,group::r-x,mask::r-x,other::---", numbers))
                .isNull();
    }

    @Test
    void anArchiveThatIsCutOrDamagedLeavesNothing() throws IOException {
        byte[] tar = vzdump(tree());
        Random random = new Random(5);
        for (int round = 0; round < 60; round++) {
            byte[] cut = Arrays.copyOf(tar, round < 3 ? round * 512 : random.nextInt(tar.length - 10_240));
            assertThatThrownBy(() -> imported(cut, 0))
                    .as("cut at %d", cut.length)
                    .isInstanceOf(BadArchiveException.class);
        }
        for (int round = 0; round < 60; round++) {
            byte[] damaged = tar.clone();
            damaged[512 * random.nextInt(12) + random.nextInt(512)] ^= (byte) (1 << random.nextInt(8));
            int second = 100 + round;
            try {
                imported(damaged, second);
            } catch (BadArchiveException e) {
                assertThat(e).hasMessageContaining("archive");
            }
        }
        assertThat(repository.list("default")).noneMatch(id -> id.time().equals(TIME));
        assertThat(repository.verify().isSound()).isTrue();
    }

    @Test
    void zeroesWhereAMemberWasAreNotTakenForTheEnd() throws IOException {
        byte[] tar = vzdump(tree());
        byte[] holed = tar.clone();
        Arrays.fill(holed, 4 * 512, 12 * 512, (byte) 0);

        assertThatThrownBy(() -> imported(holed, 0))
                .isInstanceOf(BadArchiveException.class)
                .hasMessageContaining("it goes on behind its end");
        assertThatThrownBy(() -> imported(Arrays.copyOf(tar, 70 << 20), 0))
                .isInstanceOf(BadArchiveException.class)
                .hasMessageContaining("it goes on behind its end");
        assertThat(imported(Arrays.copyOf(tar, tar.length + 3000), 0).config()).isNotNull();
    }

    /** A member of type and size, with what follows filled up to whole blocks. */
    private static byte[] member(char type, String name, String target, byte[] size, byte[] content) {
        byte[] block = new byte[512 + (content.length + 511) / 512 * 512];
        byte[] path = name.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(path, 0, block, 0, path.length);
        System.arraycopy("0000644".getBytes(StandardCharsets.US_ASCII), 0, block, 100, 7);
        System.arraycopy(size, 0, block, 124, size.length);
        block[156] = (byte) type;
        byte[] link = target.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(link, 0, block, 157, link.length);
        System.arraycopy("ustar\00000".getBytes(StandardCharsets.US_ASCII), 0, block, 257, 8);
        int sum = 8 * ' ';
        for (int i = 0; i < 512; i++) {
            sum += block[i] & 0xff;
        }
        System.arraycopy(String.format("%06o", sum).getBytes(StandardCharsets.US_ASCII), 0, block, 148, 6);
        System.arraycopy(content, 0, block, 512, content.length);
        return block;
    }

    private static byte[] member(char type, String name, String content) {
        byte[] bytes = content.getBytes(StandardCharsets.US_ASCII);
        return member(type, name, "", String.format("%011o", bytes.length).getBytes(StandardCharsets.US_ASCII), bytes);
    }

    private static byte[] link(String name, String target) {
        return member('1', name, target, new byte[0], new byte[0]);
    }

    private static byte[] archive(byte[]... members) {
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        archive.writeBytes(member('0', "./etc/vzdump/pct.conf", "arch: amd64\n"));
        for (byte[] member : members) {
            archive.writeBytes(member);
        }
        archive.writeBytes(new byte[1024]);
        return archive.toByteArray();
    }

    private static String record(String key, int length) {
        int rest = key.length() + length + 3;
        int whole = rest + Integer.toString(rest + 9).length();
        return whole + " " + key + "=" + "v".repeat(length) + "\n";
    }

    @Test
    void whatAnArchiveMayMakeUsKeepHasLimits() throws IOException {
        StringBuilder many = new StringBuilder();
        for (int i = 0; i < 10; i++) {
            many.append(record("SCHILY.xattr.user." + i, 60_000));
        }
        String large = record("SCHILY.xattr.user.x", 65_537);
        byte[] binary = new byte[12];
        Arrays.fill(binary, (byte) 0x7f);
        binary[0] = (byte) 0x80;
        for (byte[] hostile : List.of(
                archive(member('x', "x", large), member('0', "a", "")),
                archive(member('L', "x", "n".repeat(65_537)), member('0', "a", "")),
                archive(member('x', "x", many.toString()), member('x', "x", many.toString()), member('0', "a", "")),
                archive(member('g', "x", many.toString()), member('g', "x", many.toString()), member('0', "a", "")),
                archive(member('0', "a", "", binary, new byte[0])),
                archive(link("a", "b"), link("b", "a")))) {
            assertThatThrownBy(() -> imported(hostile, 0)).isInstanceOf(BadArchiveException.class);
        }
        List<byte[]> chain = new ArrayList<>(List.of(member('0', "l0", "x")));
        for (int i = 1; i <= 20_000; i++) {
            chain.add(link("l" + i, "l" + (i - 1)));
        }
        assertThat(imported(archive(chain.toArray(byte[][]::new)), 0).tree()).isNotNull();
        assertThat(imported(archive(member('x', "x", many.toString()), member('0', "a", "")), 1)
                        .tree())
                .isNotNull();
    }

    @Test
    void namesThatLeadOutOfTheContainerAreRefused() throws IOException {
        Path root = Files.createDirectory(directory.resolve("rootfs"));
        Files.writeString(root.resolve("x"), "x");
        for (String name : List.of("../x", "./a/../../x")) {
            Process tar = new ProcessBuilder(
                            "tar", "cf", "-", "-P", "--transform=s,^x$," + name + ",", "--directory=" + root, "x")
                    .start();
            byte[] bytes = tar.getInputStream().readAllBytes();
            assertThatThrownBy(() -> imported(bytes, 0))
                    .isInstanceOf(BadArchiveException.class)
                    .hasMessageContaining("name that no backup of a container has");
        }
    }

    @Test
    void aVmComesBackThroughAnArchiveOfPve() throws IOException {
        byte[] system = new byte[(9 << 20) + 1024];
        new Random(1).nextBytes(system);
        Arrays.fill(system, 1 << 20, 6 << 20, (byte) 0);
        byte[] vars = new byte[540_672];
        Arrays.fill(vars, 100, 5000, (byte) 7);
        Snapshot snapshot;
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, new Vmid(100), TIME)) {
            writer.disk(new DeviceName("drive-scsi0"), ByteSize.ofBytes(system.length))
                    .write(0, ByteBuffer.wrap(system));
            writer.disk(new DeviceName("drive-efidisk0"), ByteSize.ofBytes(vars.length))
                    .write(0, ByteBuffer.wrap(vars));
            writer.disk(new DeviceName("drive-virtio1"), ByteSize.ofBytes(100L << 20));
            snapshot = writer.publish(
                    RawConfig.of("memory: 512\n#qmdump#map:scsi0:drive-scsi0:local-lvm:raw:\n"
                            .getBytes(StandardCharsets.US_ASCII)),
                    RawConfig.of(new byte[] {'f'}));
        }

        byte[] vma = exported(snapshot);

        VmaReader archive = VmaReader.open(new ByteArrayInputStream(vma));
        assertThat(new String(archive.config("qemu-server.conf").orElseThrow(), StandardCharsets.US_ASCII))
                .isEqualTo("""
                        memory: 512
                        #qmdump#map:scsi0:drive-scsi0:local-lvm:raw:
                        #qmdump#map:efidisk0:drive-efidisk0:::
                        #qmdump#map:virtio1:drive-virtio1:::
                        """);
        assertThat(archive.time()).isEqualTo(TIME);
        Snapshot again =
                VmaImport.run(repository, "default", new Vmid(102), new ByteArrayInputStream(vma), Long.MAX_VALUE);
        try (RepositoryReader reader = repository.read()) {
            for (var disk : snapshot.disks().entrySet()) {
                assertThat(again.disks().get(disk.getKey()))
                        .as("%s", disk.getKey())
                        .isEqualTo(disk.getValue());
                assertThat(reader.disk(again, disk.getKey())).isPresent();
            }
        }
        assertThat(vma.length).as("zeroes take no room").isLessThan(6 << 20);
    }

    @Test
    void aBackupThatIsNotThereIsToldAndNothingIsWritten() {
        assertThatThrownBy(() ->
                        new ArchiveExport(repository, VolumeId.parse("keep:backup/qemu/100/2026-01-02T03:04:05Z")))
                .hasMessageContaining("there is no backup");
    }
}
