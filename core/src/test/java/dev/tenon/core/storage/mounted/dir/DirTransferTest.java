package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import dev.tenon.core.testing.Streams;
import dev.tenon.core.testing.Streams.Way;
import dev.tenon.core.testing.Trees;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Volumes go from one storage to another and are the same there. */
class DirTransferTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final Transfer AS_IT_IS = new Transfer(null, null, false);
    private static final Transfer WITH_SNAPSHOTS = new Transfer(null, null, true);
    private static final int HEADER = Long.BYTES;
    private static final long GIB = 1L << 30;

    @TempDir
    Path scratch;

    private final DirPlugin plugin = new DirPlugin();
    private final Random random = new Random(5);
    private Storage from = Storages.at(Path.of("/unset"));
    private Storage to = Storages.at(Path.of("/unset"));

    @BeforeEach
    void makeStorages() throws IOException {
        from = Storages.at(Files.createDirectory(scratch.resolve("from")));
        to = Storages.at(Files.createDirectory(scratch.resolve("to")));
    }

    private Path file(Storage storage, VolumeName volume) {
        return Path.of(plugin.path(storage, volume, null).path());
    }

    private VolumeId pass(Way way, VolumeName volume, VolumeName target, String format) {
        Transfer transfer = transfer(format);
        return Streams.passed(
                way,
                out -> plugin.exportVolume(from, volume, format, transfer, out),
                in -> plugin.importVolume(to, target, format, transfer, false, in));
    }

    private static Transfer transfer(String format) {
        return format.equals("raw+size") || format.equals("tar+size") ? AS_IT_IS : WITH_SNAPSHOTS;
    }

    private VolumeName image(Format.Image format, long kib) {
        return plugin.allocImage(from, GUEST, format, null, ByteSize.ofKib(kib));
    }

    private void write(VolumeName volume, String format, String... commands) {
        for (String command : commands) {
            Qemu.run(
                    scratch,
                    List.of(
                            "qemu-io",
                            "-f",
                            format,
                            "-c",
                            command,
                            file(from, volume).toString()));
        }
    }

    /** Nobody allocates one, but truncate(1) and other programs make them. */
    @ParameterizedTest
    @CsvSource({
        "PIPE, raw, raw+size",
        "PIPE, qcow2, raw+size",
        "PIPE, qcow2, qcow2+size",
        "SOCKET, raw, raw+size",
        "SOCKET, qcow2, qcow2+size"
    })
    void sendsAnEmptyImage(Way way, String format, String stream) throws IOException {
        Path guest = Files.createDirectories(scratch.resolve("from/images/100"));
        Qemu.create(guest, "-f", format, "vm-100-disk-0." + format, "0");
        VolumeName volume = new VolumeName("100/vm-100-disk-0." + format);
        VolumeName target = new VolumeName("100/vm-100-disk-0." + (stream.equals("raw+size") ? "raw" : format));

        pass(way, volume, target, stream);

        assertThat(plugin.volumeSizeInfo(to, target, null).size()).isEqualTo(ByteSize.ofBytes(0));
        Failing.isRefused(
                () -> plugin.allocImage(to, GUEST, Format.Image.RAW, null, ByteSize.ofBytes(0)),
                StorageError.BAD_PARAMETER,
                "unable to allocate an image of 0 bytes");
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void sendsARawImageAsItIs(Way way) throws IOException {
        VolumeName volume = image(Format.Image.RAW, 8 * 1024);
        write(volume, "raw", "write -P 1 0 1M", "write -P 2 5M 100k");

        VolumeId arrived = pass(way, volume, volume, "raw+size");

        assertThat(arrived).isEqualTo(new VolumeId(to.id(), volume));
        assertThat(Streams.mismatch(file(from, volume), file(to, volume))).isNull();
        assertThat(FileStatus.of(file(to, volume)).permissions())
                .isEqualTo(FileStatus.of(file(from, volume)).permissions());
        assertThat(Trees.of(scratch.resolve("to"))).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource({"PIPE, QCOW2", "SOCKET, QCOW2", "PIPE, VMDK", "SOCKET, VMDK"})
    void sendsAnImageFileWithAllThatIsInIt(Way way, Format.Image format) {
        VolumeName volume = image(format, 8 * 1024);
        write(volume, format.word(), "write -P 1 0 1M", "write -P 2 5M 100k");
        if (format == Format.Image.QCOW2) {
            plugin.snapshotVolume(from, volume, new SnapshotName("first"));
            write(volume, "qcow2", "write -P 3 512k 1M");
        }

        VolumeId arrived = pass(way, volume, volume, format.word() + "+size");

        assertThat(arrived.volume()).isEqualTo(volume);
        assertThat(Streams.mismatch(file(from, volume), file(to, volume))).isNull();
        if (format == Format.Image.QCOW2) {
            assertThat(plugin.snapshots(to, volume)).containsOnlyKeys("first");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Format.Image.class,
            names = {"QCOW2", "VMDK"})
    void sendsWhatAGuestSees(Format.Image format) {
        VolumeName volume = image(format, 8 * 1024);
        write(volume, format.word(), "write -P 1 0 1M", "write -P 2 5M 100k", "write -z 512k 64k");
        VolumeName target = new VolumeName("100/vm-100-disk-7.raw");

        pass(Way.PIPE, volume, target, "raw+size");

        assertThat(Streams.mismatch(raw(volume, format), file(to, target))).isNull();
    }

    private Path raw(VolumeName volume, Format.Image format) {
        Path raw = scratch.resolve("seen.raw");
        Qemu.run(
                scratch,
                List.of(
                        "qemu-img",
                        "convert",
                        "-f",
                        format.word(),
                        "-O",
                        "raw",
                        file(from, volume).toString(),
                        raw.toString()));
        return raw;
    }

    @Test
    void sendsWhatAGuestSeesOfALinkedClone() {
        VolumeName disk = image(Format.Image.QCOW2, 8 * 1024);
        write(disk, "qcow2", "write -P 1 0 2M");
        VolumeName base = plugin.createBase(from, disk);
        try {
            VolumeName clone = plugin.cloneImage(from, base, new Vmid(101), null);
            write(clone, "qcow2", "write -P 2 1M 2M");
            VolumeName target = new VolumeName("101/vm-101-disk-0.raw");

            pass(Way.PIPE, clone, target, "raw+size");

            assertThat(Streams.mismatch(raw(clone, Format.Image.QCOW2), file(to, target)))
                    .isNull();
        } finally {
            plugin.freeImage(from, base, true, null);
        }
    }

    @Test
    void sendsWhatAGuestSeesOfAnImageWithAChainOfSnapshots() {
        from = Storages.at(scratch.resolve("from"), "snapshot-as-volume-chain", "1");
        VolumeName disk = image(Format.Image.QCOW2, 8 * 1024);
        write(disk, "qcow2", "write -P 1 0 2M");
        plugin.snapshotVolume(from, disk, new SnapshotName("first"));
        write(disk, "qcow2", "write -P 2 1M 2M");
        VolumeName target = new VolumeName("100/vm-100-disk-0.raw");

        pass(Way.PIPE, disk, target, "raw+size");

        assertThat(Streams.mismatch(raw(disk, Format.Image.QCOW2), file(to, target)))
                .isNull();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 511, 512, 1000, 65_537, (3 << 20) + 333})
    void keepsEveryByteOfAnImageOfOddSize(long size) throws IOException {
        VolumeName volume = new VolumeName("100/vm-100-disk-0.raw");
        Files.createDirectories(file(from, volume).getParent());
        byte[] bytes = new byte[(int) size];
        random.nextBytes(bytes);
        Files.write(file(from, volume), bytes);

        pass(Way.PIPE, volume, volume, "raw+size");

        assertThat(Files.readAllBytes(file(to, volume))).isEqualTo(bytes);
    }

    @ParameterizedTest
    @CsvSource({"RAW, raw+size", "QCOW2, qcow2+size", "VMDK, vmdk+size", "QCOW2, raw+size"})
    void sendsAnImageWithNothingInIt(Format.Image format, String stream) throws IOException {
        VolumeName volume = image(format, 1024 * 1024);
        VolumeName target = stream.equals("raw+size") ? new VolumeName("100/vm-100-disk-0.raw") : volume;

        pass(Way.PIPE, volume, target, stream);

        assertThat(Qemu.info(file(to, target), stream.replace("+size", "")).virtualSize())
                .isEqualTo(GIB);
        assertThat(FileStatus.of(file(to, target)).allocated()).isLessThan(1 << 20);
    }

    @Test
    void leavesHolesWhereThereIsNothing() throws IOException {
        VolumeName volume = image(Format.Image.RAW, 20 << 20);
        byte[] data = new byte[1 << 20];
        Arrays.fill(data, (byte) 7);
        try (RandomAccessFile file = new RandomAccessFile(file(from, volume).toFile(), "rw")) {
            for (int i = 0; i < 100; i++) {
                file.seek(i * 200L * data.length);
                file.write(data);
            }
        }

        pass(Way.PIPE, volume, volume, "raw+size");

        assertThat(Files.size(file(to, volume))).isEqualTo(20 * GIB);
        assertThat(FileStatus.of(file(to, volume)).allocated()).isBetween(100L << 20, 104L << 20);
        try (SparseFile arrived = SparseFile.open(file(to, volume));
                RandomAccessFile content = new RandomAccessFile(file(to, volume).toFile(), "r")) {
            byte[] read = new byte[data.length];
            for (int i = 0; i < 100; i++) {
                long at = i * 200L * data.length;
                assertThat(arrived.nextData(at)).isEqualTo(at);
                assertThat(arrived.nextHole(at)).isEqualTo(at + data.length);
                content.seek(at);
                content.readFully(read);
                assertThat(read).isEqualTo(data);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "template/iso/a.iso, iso/a.iso",
        "template/cache/a.tar.zst, vztmpl/a.tar.zst",
        "snippets/a.yaml, snippets/a.yaml",
        "import/a.ova, import/a.ova"
    })
    void sendsOtherContentAsItIs(String path, String name) throws IOException {
        byte[] bytes = new byte[1_000_001];
        random.nextBytes(bytes);
        Path source = scratch.resolve("from").resolve(path);
        Files.createDirectories(source.getParent());
        Files.write(source, bytes);
        Path target = scratch.resolve("to").resolve(path);
        Files.createDirectories(target.getParent());
        Path usual = Files.createFile(
                scratch.resolve("usual"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-rw-rw-")));

        VolumeId arrived = pass(Way.SOCKET, new VolumeName(name), new VolumeName(name), "raw+size");

        assertThat(arrived).hasToString("store:" + name);
        assertThat(Files.readAllBytes(target)).isEqualTo(bytes);
        assertThat(Files.getPosixFilePermissions(target)).isEqualTo(Files.getPosixFilePermissions(usual));
        assertThat(target.toFile().getParentFile().list())
                .containsExactly(target.toFile().getName());
    }

    @Test
    void sendsAnImageThatIsToBeImportedAsItIs() throws IOException {
        VolumeName volume = new VolumeName("import/a.qcow2");
        for (String name : List.of("from", "to")) {
            Files.createDirectories(scratch.resolve(name).resolve("import"));
        }
        Qemu.create(scratch.resolve("from/import"), "-f", "qcow2", "a.qcow2", "8M");

        pass(Way.PIPE, volume, volume, "raw+size");

        assertThat(Streams.mismatch(file(from, volume), file(to, volume))).isNull();
    }

    @Test
    void sendsASubvolumeWithAllThatItsFilesAre() throws IOException {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root may give files to others");
        VolumeName volume = plugin.allocImage(from, GUEST, Format.Image.SUBVOL, null, ByteSize.ofBytes(0));
        Path tree = file(from, volume);
        Files.createDirectories(tree.resolve("etc/empty"));
        Files.writeString(tree.resolve("etc/motd"), "hello\n");
        Files.createLink(tree.resolve("etc/same"), tree.resolve("etc/motd"));
        Files.createSymbolicLink(tree.resolve("etc/link"), Path.of("../nowhere"));
        Files.writeString(tree.resolve("with space\nand line"), "x");
        try (RandomAccessFile sparse =
                new RandomAccessFile(tree.resolve("sparse").toFile(), "rw")) {
            sparse.setLength(GIB);
            sparse.seek(GIB / 2);
            sparse.write(1);
        }
        Qemu.run(tree, List.of("chown", "-h", "100000:100033", "etc", "etc/motd", "etc/link"));
        Qemu.run(tree, List.of("chmod", "4711", "etc/motd"));
        Qemu.run(tree, List.of("mkfifo", "pipe"));
        Qemu.run(tree, List.of("setfattr", "-n", "user.colour", "-v", "green", "etc/motd"));
        Qemu.run(tree, List.of("setfacl", "-m", "u:1234:rx,d:g:4321:rwx", "etc"));
        Qemu.run(tree, List.of("setcap", "cap_net_raw+ep", "sparse"));
        String before = described(tree);

        VolumeId arrived = pass(Way.PIPE, volume, volume, "tar+size");

        assertThat(arrived.volume()).isEqualTo(volume);
        assertThat(described(file(to, volume))).isEqualTo(before).contains("user.colour", "user:1234:r-x");
        assertThat(FileStatus.of(file(to, volume).resolve("sparse")).allocated())
                .isLessThan(1 << 20);
        assertThat(Files.isSameFile(
                        file(to, volume).resolve("etc/motd"), file(to, volume).resolve("etc/same")))
                .isTrue();
    }

    private static String described(Path tree) {
        return Qemu.run(
                        tree,
                        List.of("sh", "-c", "find . -printf '%p %y %m %U %G %n %s %t %l\\n' | grep -v '^[.] ' | sort"))
                + Qemu.run(tree, List.of("stat", "-c", "%a %u %g", "."))
                + Qemu.run(tree, List.of("sh", "-c", "find . -print0 | sort -z | xargs -0 getfattr -h -d -m -"))
                + Qemu.run(tree, List.of("sh", "-c", "find . -print0 | sort -z | xargs -0 getfacl -n -P"));
    }

    @Test
    void writesASizeAndThenTheBytes() throws IOException {
        VolumeName volume = image(Format.Image.QCOW2, 8 * 1024);
        Path stream = scratch.resolve("stream");

        Streams.export(stream, out -> plugin.exportVolume(from, volume, "qcow2+size", WITH_SNAPSHOTS, out));

        byte[] bytes = Files.readAllBytes(stream);
        assertThat(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong())
                .isEqualTo(8 << 20);
        assertThat(Arrays.copyOfRange(bytes, HEADER, bytes.length)).isEqualTo(Files.readAllBytes(file(from, volume)));
    }

    @Test
    void tellsWhoReadsNoMore() {
        VolumeName volume = image(Format.Image.RAW, 8 * 1024);
        write(volume, "raw", "write -P 1 0 8M");
        List<String> before = Trees.of(scratch.resolve("from"));

        Failing.fails(
                () -> Streams.exportOnly(100_000, out -> plugin.exportVolume(from, volume, "raw+size", AS_IT_IS, out)),
                StorageError.STREAM_BROKEN,
                Outcome.FAILED_CLEAN,
                "");
        assertThat(Trees.of(scratch.resolve("from"))).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({
        "100/vm-100-disk-0.raw, qcow2+size, , false, volume export format qcow2+size not available for dir",
        "100/vm-100-disk-0.raw, raw+size, , true, volume export format raw+size not available for dir",
        "100/vm-100-disk-0.qcow2, qcow2+size, , false, volume export format qcow2+size not available for dir",
        "100/vm-100-disk-0.raw, raw+size, one, false, volume export format raw+size not available for dir",
        "100/vm-100-disk-0.raw, zfs, , false, volume export format zfs not available for dir",
        "100/vm-100-disk-0.subvol, raw+size, , false, volume export format raw+size not available for dir",
        "backup/a.tgz, raw+size, , false, volume export format raw+size not available for dir"
    })
    void sendsNoOtherFormats(
            String volume, String format, @Nullable String snapshot, boolean withSnapshots, String why) {
        Transfer transfer = new Transfer(snapshot == null ? null : new SnapshotName(snapshot), null, withSnapshots);

        Failing.isRefused(
                () -> Streams.exportOnly(
                        1, out -> plugin.exportVolume(from, new VolumeName(volume), format, transfer, out)),
                StorageError.NOT_SUPPORTED,
                why);
    }

    @Test
    void sendsNoSnapshotsThatAreFilesOfTheirOwn() {
        VolumeName volume = image(Format.Image.QCOW2, 1024);
        Storage chained = Storages.at(scratch.resolve("from"), "snapshot-as-volume-chain", "1");

        Failing.isRefused(
                () -> Streams.exportOnly(
                        1, out -> plugin.exportVolume(chained, volume, "qcow2+size", WITH_SNAPSHOTS, out)),
                StorageError.NOT_SUPPORTED,
                "cannot export volumes together with their snapshots in dir");
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw+size", "tar+size"})
    void sendsNothingOfWhatIsNotThere(String format) throws IOException {
        VolumeName volume = new VolumeName("100/vm-100-disk-0." + (format.equals("raw+size") ? "raw" : "subvol"));
        Path stream = scratch.resolve("stream");

        Failing.isRefused(
                () -> Streams.export(stream, out -> plugin.exportVolume(from, volume, format, AS_IT_IS, out)),
                StorageError.NOT_FOUND,
                "volume 'store:" + volume + "' does not exist");
        assertThat(Files.exists(stream) ? Files.size(stream) : 0).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw+size", "qcow2+size"})
    void sendsNothingOfAnImageThatNamesAFileOutside(String format) throws IOException {
        Path secret = Files.writeString(scratch.resolve("secret"), "s".repeat(65_536));
        VolumeName volume = image(Format.Image.QCOW2, 64);
        Qemu.run(
                scratch,
                List.of(
                        "qemu-img",
                        "rebase",
                        "-u",
                        "-F",
                        "raw",
                        "-b",
                        secret.toString(),
                        file(from, volume).toString()));
        Path stream = scratch.resolve("stream");

        Failing.isRefused(
                () -> Streams.export(stream, out -> plugin.exportVolume(from, volume, format, transfer(format), out)),
                StorageError.UNSAFE_IMAGE,
                "which is not a file of its storage");
        assertThat(Files.exists(stream) ? Files.size(stream) : 0).isZero();
    }
}
