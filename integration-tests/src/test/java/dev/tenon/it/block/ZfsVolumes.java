package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.doctor.Doctor;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.journal.Journalled;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Remedy;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.block.zfs.ZfsHost;
import dev.tenon.core.storage.block.zfs.ZfsPoolPlugin;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What is particular to volumes of ZFS, what PVE's users have stumbled over, and what interrupted work leaves; in a guest. */
class ZfsVolumes {
    private static final Vmid GUEST = new Vmid(100);
    private static final ByteSize SIZE = ByteSize.ofKib(4096);
    private static final VolumeName DISK = new VolumeName("vm-100-disk-0");
    private static final VolumeName DIRECTORY = new VolumeName("subvol-100-disk-0");
    private static final SnapshotName ONE = new SnapshotName("one");
    private static final SnapshotName TWO = new SnapshotName("two");
    private static final String TANK = ZfsLab.POOL;

    private final StoragePlugin plugin = ZfsLab.plugin();
    private final Storage storage = ZfsLab.storage(TANK, Map.of());

    @BeforeAll
    static void prepare() {
        ZfsLab.prepare(TANK, "4G");
    }

    @AfterEach
    void removeAll() {
        for (String name : ZfsLab.names("filesystem,volume", TANK)) {
            boolean isThere = ZfsLab.names("filesystem,volume", TANK).contains(name);
            if (isThere && name.chars().filter(c -> c == '/').count() == 1) {
                Lab.run("zfs", "destroy", "-R", name);
            }
        }
    }

    private void make(VolumeName volume, ByteSize size) {
        plugin.allocImage(storage, GUEST, plugin.parseVolname(volume).format(), volume.value(), size);
    }

    private Path path(VolumeName volume) {
        plugin.activateVolume(storage, volume, null, OperationCache.create(), Hints.NONE);
        return Path.of(plugin.path(storage, volume, null).path());
    }

    private void write(VolumeName volume, int value) {
        try (FileChannel channel = FileChannel.open(path(volume), StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {(byte) value}), 0);
            channel.force(true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private int read(VolumeName volume) {
        try (FileChannel channel = FileChannel.open(path(volume), StandardOpenOption.READ)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, 0);
            return one.get(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String property(String property, String name) {
        return Lab.run("zfs", "get", "-Hp", "-o", "value", property, TANK + "/" + name)
                .strip();
    }

    private List<String> listed() {
        return names(storage);
    }

    private List<String> names(Storage of) {
        return plugin.listImages(of, ImageFilter.all(), OperationCache.create()).stream()
                .map(image -> image.volid().volume().value())
                .sorted()
                .toList();
    }

    private static void failsWith(StorageError error, String words, Runnable work) {
        assertThatThrownBy(work::run).isInstanceOfSatisfying(StorageException.class, e -> {
            assertThat(e.getMessage()).contains(words);
            assertThat(e.error()).as(e.getMessage()).isEqualTo(error);
            assertThat(e.outcome()).as(e.getMessage()).isNotEqualTo(Outcome.UNKNOWN);
        });
    }

    // ---- volumes

    @Test
    void propertiesAreThoseOfPve() {
        make(DISK, ByteSize.ofKib(1025));
        assertThat(property("volsize", "vm-100-disk-0")).isEqualTo(Integer.toString(2 << 20));
        assertThat(property("refreservation", "vm-100-disk-0")).isNotEqualTo("0");
        make(DIRECTORY, ByteSize.ofKib(1025));
        assertThat(property("refquota", "subvol-100-disk-0")).isEqualTo(Integer.toString(1025 << 10));
        assertThat(property("acltype", "subvol-100-disk-0")).isIn("posix", "posixacl");
        assertThat(property("xattr", "subvol-100-disk-0")).isEqualTo("sa");
        plugin.allocImage(
                ZfsLab.storage(TANK, Map.of("sparse", "1", "blocksize", "4k")), GUEST, Image.RAW, "vm-100-thin", SIZE);
        assertThat(property("refreservation", "vm-100-thin")).isEqualTo("0");
        assertThat(property("volblocksize", "vm-100-thin")).isEqualTo("4096");
        plugin.resizeVolume(storage, DISK, ByteSize.ofBytes((3 << 20) + 1024), false, null);
        assertThat(property("volsize", "vm-100-disk-0")).isEqualTo(Integer.toString(4 << 20));
        plugin.resizeVolume(storage, DIRECTORY, ByteSize.ofBytes(3 << 20), false, null);
        assertThat(property("refquota", "subvol-100-disk-0")).isEqualTo(Integer.toString(3 << 20));
        failsWith(
                StorageError.BAD_PARAMETER,
                "unable to shrink",
                () -> plugin.resizeVolume(storage, DISK, ByteSize.ofBytes(1 << 20), false, null));
    }

    @Test
    void whatIsCalledOtherwiseIsNeitherListedNorTouched() {
        make(DISK, SIZE);
        Lab.run("zfs", "create", "-V", "4M", TANK + "/data");
        Lab.run("zfs", "create", "-V", "4M", TANK + "/vm-100-with space");
        Lab.run("zfs", "create", TANK + "/vm-100-disk-1");
        Lab.run("zfs", "create", "-V", "4M", TANK + "/subvol-100-disk-2");
        Lab.run("zfs", "create", TANK + "/inner");
        Lab.run("zfs", "create", "-V", "4M", TANK + "/inner/vm-100-disk-3");
        assertThat(listed()).containsExactly("vm-100-disk-0");
        List<String> before = ZfsLab.names("filesystem,volume", TANK);
        for (String name : List.of("data", "vm-100-with space", "inner/vm-100-disk-3", "vm-100-disk-0@one")) {
            failsWith(
                    StorageError.INVALID_NAME,
                    "unable to parse zfs volume name",
                    () -> plugin.freeImage(storage, new VolumeName(name), false, null));
        }
        for (String name : List.of("vm-100-disk-1", "subvol-100-disk-2")) {
            failsWith(
                    StorageError.NOT_FOUND,
                    "no volume of storage",
                    () -> plugin.freeImage(storage, new VolumeName(name), false, null));
        }
        assertThat(ZfsLab.names("filesystem,volume", TANK)).isEqualTo(before);
        // Their numbers are taken all the same.
        assertThat(plugin.findFreeDiskname(storage, GUEST, Image.RAW, false)).isEqualTo("vm-100-disk-3");
        assertThat(plugin.listImages(
                        ZfsLab.storage(TANK + "/inner", Map.of()), ImageFilter.all(), OperationCache.create()))
                .extracting(image -> image.volid().volume().value())
                .containsExactly("vm-100-disk-3");
    }

    @Test
    void namesAndFormatsThatDoNotFitAreRefused() {
        for (String name : List.of("vm-101-disk-0", "subvol-100-disk-0", "disk", "base-100-disk-0", "-r")) {
            failsWith(
                    StorageError.INVALID_NAME,
                    "should be 'vm-100-*'",
                    () -> plugin.allocImage(storage, GUEST, Image.RAW, name, SIZE));
        }
        for (String name : List.of("vm-100-a/b", "vm-100-a@b", "vm-100-a b", "vm-100-")) {
            assertThatThrownBy(() -> plugin.allocImage(storage, GUEST, Image.RAW, name, SIZE))
                    .isInstanceOfSatisfying(
                            StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.INVALID_NAME));
        }
        failsWith(
                StorageError.NOT_SUPPORTED,
                "unsupported format 'qcow2'",
                () -> plugin.allocImage(storage, GUEST, Image.QCOW2, null, SIZE));
        make(DISK, SIZE);
        failsWith(StorageError.ALREADY_EXISTS, "already exists", () -> make(DISK, SIZE));
        failsWith(
                StorageError.INVALID_NAME, "a new name of", () -> plugin.renameVolume(storage, DISK, GUEST, DIRECTORY));
        assertThat(ZfsLab.names("filesystem,volume", TANK)).containsExactly(TANK, TANK + "/vm-100-disk-0");
    }

    /** To ZFS they are lists and ranges of snapshots, all of which it would remove. */
    @Test
    void aNameOfASnapshotIsNoListOfThem() {
        make(DISK, SIZE);
        plugin.snapshotVolume(storage, DISK, ONE);
        plugin.snapshotVolume(storage, DISK, TWO);
        for (String name : List.of("one,two", "one%two", "%", "one@two", "a b")) {
            failsWith(
                    StorageError.INVALID_NAME,
                    "no snapshot of ZFS can be called",
                    () -> plugin.deleteSnapshot(storage, DISK, new SnapshotName(name), false));
        }
        assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("one", "two");
    }

    @Test
    void aBaseImageWithClonesStaysAndClonesTellTheirBase() {
        make(DISK, SIZE);
        write(DISK, 1);
        VolumeName base = plugin.createBase(storage, DISK);
        assertThat(base.value()).isEqualTo("base-100-disk-0");
        VolumeName clone = plugin.cloneImage(storage, base, new Vmid(101), null);
        assertThat(clone.value()).isEqualTo("base-100-disk-0/vm-101-disk-0");
        assertThat(property("origin", "vm-101-disk-0")).isEqualTo(TANK + "/base-100-disk-0@__base__");
        List<VolumeInfo> images = plugin.listImages(
                storage, new ImageFilter.Named(List.of(new VolumeId(storage.id(), clone))), OperationCache.create());
        assertThat(images)
                .singleElement()
                .satisfies(image -> assertThat(image.parent()).isEqualTo("base-100-disk-0@__base__"));
        failsWith(StorageError.IN_USE, "has dependent clones", () -> plugin.freeImage(storage, base, true, Image.RAW));
        failsWith(
                StorageError.IN_USE,
                "has dependent clones",
                () -> plugin.deleteSnapshot(storage, base, new SnapshotName("__base__"), false));
        assertThat(plugin.snapshots(storage, base)).containsOnlyKeys("__base__");
        VolumeId renamed = plugin.renameVolume(storage, clone, new Vmid(102), null);
        assertThat(renamed.volume().value()).isEqualTo("base-100-disk-0/vm-102-disk-0");
        assertThat(read(renamed.volume())).isEqualTo(1);
        plugin.snapshotVolume(storage, renamed.volume(), new SnapshotName("__base__"));
        failsWith(StorageError.ALREADY_EXISTS, "already exists", () -> plugin.createBase(storage, renamed.volume()));
        assertThat(listed()).containsExactly("base-100-disk-0", "base-100-disk-0/vm-102-disk-0");
    }

    /** ZFS removes the snapshots before it finds out that the volume cannot be removed. */
    @Test
    void aVolumeThatIsOpenStaysWithItsSnapshots() throws Exception {
        for (VolumeName volume : List.of(DISK, DIRECTORY)) {
            make(volume, SIZE);
            Path file = path(volume);
            plugin.snapshotVolume(storage, volume, ONE);
            String opened = volume.equals(DISK)
                    ? file.toString()
                    : Files.createFile(file.resolve("file")).toString();
            Process holder =
                    new ProcessBuilder("sh", "-c", "exec 3<>\"$1\"; echo open; read -r line", "sh", opened).start();
            try {
                assertThat(holder.inputReader().readLine()).isEqualTo("open");
                failsWith(StorageError.IN_USE, "is busy", () -> plugin.freeImage(storage, volume, false, null));
                assertThat(plugin.snapshots(storage, volume)).containsOnlyKeys("one");
            } finally {
                holder.destroyForcibly().waitFor();
            }
            plugin.freeImage(storage, volume, false, null);
        }
        assertThat(listed()).isEmpty();
    }

    /** No process has them open. */
    @Test
    void whatOnlyTheKernelHasOpenStaysWithItsSnapshots() throws Exception {
        make(DISK, ByteSize.ofKib(65_536));
        plugin.snapshotVolume(storage, DISK, ONE);
        String device = path(DISK).toString();
        Lab.run("mkswap", device);
        for (boolean isLoop : new boolean[] {true, false}) {
            if (isLoop) {
                Lab.run("losetup", "/dev/loop7", device);
            } else {
                Lab.run("swapon", device);
            }
            failsWith(
                    StorageError.IN_USE, "the kernel has it open", () -> plugin.freeImage(storage, DISK, false, null));
            assertThat(plugin.snapshots(storage, DISK)).containsOnlyKeys("one");
            if (isLoop) {
                Lab.run("losetup", "-d", "/dev/loop7");
            } else {
                Lab.run("swapoff", device);
            }
        }
        make(DIRECTORY, SIZE);
        plugin.snapshotVolume(storage, DIRECTORY, ONE);
        Files.createFile(path(DIRECTORY).resolve("file"));
        Process container = new ProcessBuilder(
                        "unshare", "-m", "--propagation", "private", "sh", "-c", "echo there; read -r line")
                .start();
        try {
            assertThat(container.inputReader().readLine()).isEqualTo("there");
            failsWith(
                    StorageError.IN_USE,
                    "another mount namespace has it mounted",
                    () -> plugin.freeImage(storage, DIRECTORY, false, null));
            assertThat(plugin.snapshots(storage, DIRECTORY)).containsOnlyKeys("one");
            assertThat(path(DIRECTORY).resolve("file")).exists();
        } finally {
            container.destroyForcibly().waitFor();
        }
        plugin.freeImage(storage, DISK, false, null);
        plugin.freeImage(storage, DIRECTORY, false, null);
        assertThat(listed()).isEmpty();
    }

    // ---- snapshots

    @Test
    void laterSnapshotsAreInTheWayOfARollback() {
        make(DISK, SIZE);
        write(DISK, 1);
        plugin.snapshotVolume(storage, DISK, ONE);
        plugin.snapshotVolume(storage, DISK, TWO);
        Lab.run("zfs", "snapshot", TANK + "/vm-100-disk-0@zfs-auto:hourly");
        write(DISK, 2);
        assertThat(plugin.rollbackIsPossible(storage, DISK, ONE))
                .isInstanceOfSatisfying(Rollback.Blocked.class, blocked -> {
                    assertThat(blocked.reason()).contains("'one' is not most recent snapshot on 'lab:vm-100-disk-0'");
                    assertThat(blocked.blockers()).containsExactly(TWO, new SnapshotName("zfs-auto:hourly"));
                });
        assertThat(plugin.rollbackIsPossible(storage, DISK, new SnapshotName("none")))
                .isInstanceOfSatisfying(
                        Rollback.Blocked.class,
                        blocked -> assertThat(blocked.reason()).contains("snapshot 'none' does not exist on"));
        failsWith(StorageError.IN_USE, "more recent snapshots", () -> plugin.rollback(storage, DISK, ONE));
        assertThat(read(DISK)).isEqualTo(2);
    }

    /** A snapshot does not keep a quota, and ZFS tells 0 where it takes none. */
    @Test
    void aRollbackBringsTheQuotaBack() {
        make(DIRECTORY, ByteSize.ofBytes(0));
        plugin.snapshotVolume(storage, DIRECTORY, ONE);
        assertThat(Lab.run("zfs", "get", "-H", "-o", "value", "pve-storage:refquota", TANK + "/subvol-100-disk-0@one")
                        .strip())
                .isEqualTo("0");
        plugin.resizeVolume(storage, DIRECTORY, ByteSize.ofBytes(8 << 20), false, null);
        plugin.snapshotVolume(storage, DIRECTORY, TWO);
        plugin.resizeVolume(storage, DIRECTORY, ByteSize.ofBytes(16 << 20), false, null);
        plugin.rollback(storage, DIRECTORY, TWO);
        assertThat(property("refquota", "subvol-100-disk-0")).isEqualTo(Integer.toString(8 << 20));
        plugin.deleteSnapshot(storage, DIRECTORY, TWO, false);
        plugin.rollback(storage, DIRECTORY, ONE);
        assertThat(property("refquota", "subvol-100-disk-0")).isEqualTo("0");
        assertThat(path(DIRECTORY)).isDirectory();
        VolumeName base = plugin.createBase(storage, DIRECTORY);
        assertThat(plugin.cloneImage(storage, base, new Vmid(101), null).value())
                .isEqualTo("basevol-100-disk-0/subvol-101-disk-0");
        assertThat(property("refquota", "subvol-101-disk-0")).isEqualTo("0");
    }

    // ---- streams

    private static Transfer of(SnapshotName snapshot, @Nullable SnapshotName base, boolean withSnapshots) {
        return new Transfer(snapshot, base, withSnapshots);
    }

    private Path exported(VolumeName volume, Transfer transfer) {
        return exportedFrom(storage, volume, transfer);
    }

    private Path exportedFrom(Storage from, VolumeName volume, Transfer transfer) {
        try {
            Path file = Files.createTempFile("exported-", ".zfs");
            try (Descriptor descriptor = Descriptor.openForWriting(file);
                    DescriptorExport export =
                            new DescriptorExport(descriptor, StreamSettings.USUAL.named("the export"))) {
                plugin.exportVolume(from, volume, "zfs", transfer, export);
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private VolumeId imported(Path file, VolumeName volume, Transfer transfer, boolean allowRename) {
        return importedTo(storage, file, volume, transfer, allowRename);
    }

    private VolumeId importedTo(Storage to, Path file, VolumeName volume, Transfer transfer, boolean allowRename) {
        try (Descriptor descriptor = Descriptor.openForReading(file);
                DescriptorImport incoming =
                        new DescriptorImport(descriptor, StreamSettings.USUAL.named("the import"))) {
            return plugin.importVolume(to, volume, "zfs", transfer, allowRename, incoming);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            assertThat(ZfsLab.names("filesystem,volume", "")).noneMatch(name -> name.contains("tenon-import-"));
        }
    }

    @Test
    void snapshotsTravelAndWhatCameLaterFollows() throws IOException {
        for (VolumeName volume : List.of(DISK, DIRECTORY)) {
            boolean isDisk = volume.equals(DISK);
            make(volume, SIZE);
            if (isDisk) {
                write(volume, 1);
            } else {
                Files.createFile(path(volume).resolve("one"));
            }
            plugin.snapshotVolume(storage, volume, ONE);
            VolumeName other = new VolumeName(volume.value().replace("100", "200"));
            Path whole = exported(volume, of(ONE, null, false));
            assertThat(imported(whole, other, of(ONE, null, false), false).volume())
                    .isEqualTo(other);
            assertThat(plugin.snapshots(storage, other)).containsOnlyKeys("one");
            failsWith(
                    StorageError.ALREADY_EXISTS,
                    "already exists",
                    () -> imported(whole, other, of(ONE, null, false), false));
            assertThat(imported(whole, other, of(ONE, null, false), true)
                            .volume()
                            .value())
                    .isEqualTo(isDisk ? "vm-200-disk-1" : "subvol-200-disk-1");
            if (isDisk) {
                write(volume, 2);
                write(other, 9);
            } else {
                Files.createFile(path(volume).resolve("two"));
            }
            plugin.snapshotVolume(storage, volume, TWO);
            plugin.snapshotVolume(storage, volume, new SnapshotName("three"));
            Transfer rest = of(new SnapshotName("three"), ONE, true);
            assertThat(imported(exported(volume, rest), other, rest, false).volume())
                    .isEqualTo(other);
            assertThat(plugin.snapshots(storage, other)).containsOnlyKeys("one", "two", "three");
            if (isDisk) {
                assertThat(read(other)).isEqualTo(2);
            } else {
                assertThat(path(other).resolve("two")).exists();
            }
            plugin.listImages(storage, ImageFilter.all(), OperationCache.create())
                    .forEach(image -> plugin.freeImage(storage, image.volid().volume(), false, null));
        }
    }

    @Test
    void aStreamThatDoesNotFitLeavesNothing() throws IOException {
        make(DISK, SIZE);
        make(DIRECTORY, ByteSize.ofBytes(0));
        Lab.run("zfs", "set", "mountpoint=/elsewhere", TANK + "/subvol-100-disk-0");
        Lab.run("zfs", "create", TANK + "/inner");
        Lab.run("zfs", "create", TANK + "/inner/child");
        plugin.snapshotVolume(storage, DISK, ONE);
        plugin.snapshotVolume(storage, DIRECTORY, ONE);
        Transfer transfer = of(ONE, null, false);
        List<String> before = ZfsLab.names("all", TANK);
        VolumeName disk = new VolumeName("vm-200-disk-0");
        VolumeName directory = new VolumeName("subvol-200-disk-0");
        Path ofDisk = exported(DISK, transfer);
        Path ofDirectory = exported(DIRECTORY, transfer);
        Path cut = Files.createTempFile("cut-", ".zfs");
        byte[] all = Files.readAllBytes(ofDisk);
        Files.write(cut, Arrays.copyOf(all, all.length * 3 / 4));
        Map<Path, VolumeName> wrong = Map.of(ofDirectory, disk, cut, disk, Path.of("/etc/passwd"), directory);
        for (Map.Entry<Path, VolumeName> each : wrong.entrySet()) {
            failsWith(
                    StorageError.STREAM_BROKEN,
                    "the stream cannot be imported",
                    () -> imported(each.getKey(), each.getValue(), transfer, false));
        }
        assertThat(ZfsLab.names("all", TANK)).isEqualTo(before);
        failsWith(StorageError.NOT_SUPPORTED, "not available", () -> exported(DISK, new Transfer(null, null, false)));
        // What comes is mounted where the storage is, wherever it was before.
        imported(ofDirectory, directory, transfer, false);
        assertThat(property("mountpoint", "subvol-200-disk-0")).isEqualTo("/tank/subvol-200-disk-0");
        Lab.run("zfs", "set", "mountpoint=/elsewhere/else", TANK + "/subvol-100-disk-0");
        plugin.snapshotVolume(storage, DIRECTORY, TWO);
        Transfer more = of(TWO, ONE, false);
        imported(exported(DIRECTORY, more), directory, more, false);
        assertThat(property("mountpoint", "subvol-200-disk-0")).isEqualTo("/tank/subvol-200-disk-0");
    }

    // ---- pools in trouble

    @Test
    void aFullPoolAndOneThatIsGoneSaySo() throws IOException {
        ZfsLab.prepare("small", "100M");
        Storage small = ZfsLab.storage("small", Map.of());
        failsWith(
                StorageError.NO_SPACE,
                "out of space",
                () -> plugin.allocImage(small, GUEST, Image.RAW, null, ByteSize.ofKib(1 << 20)));
        plugin.activateStorage(small, OperationCache.create());
        assertThat(plugin.status(small, OperationCache.create()))
                .isInstanceOfSatisfying(
                        StorageStatus.Active.class,
                        active -> assertThat(active.total().bytes())
                                .isEqualTo(active.used().bytes()
                                        + active.available().bytes()));
        assertThat(plugin.onAdd(small, Secrets.NONE).properties()).containsEntry("mountpoint", "/small");
        plugin.allocImage(small, GUEST, Image.RAW, DISK.value(), SIZE);
        Lab.run("zpool", "export", "small");
        for (Runnable work : List.<Runnable>of(
                () -> plugin.volumeSizeInfo(small, DISK, null),
                () -> plugin.snapshots(small, DISK),
                () -> plugin.snapshotVolume(small, DISK, ONE),
                () -> plugin.rollback(small, DISK, ONE),
                () -> plugin.resizeVolume(small, DISK, ByteSize.ofBytes(8 << 20), false, null),
                () -> plugin.renameVolume(small, DISK, GUEST, null),
                () -> plugin.createBase(small, DISK),
                () -> plugin.freeImage(small, DISK, false, null),
                () -> plugin.activateVolume(small, DISK, null, OperationCache.create(), Hints.NONE))) {
            failsWith(StorageError.STORAGE_UNAVAILABLE, "cannot open 'small': dataset does not exist", work);
        }
        assertThat(plugin.status(small, OperationCache.create())).isInstanceOf(StorageStatus.Inactive.class);
        failsWith(
                StorageError.STORAGE_UNAVAILABLE,
                "dataset does not exist",
                () -> plugin.listImages(small, ImageFilter.all(), OperationCache.create()));
        failsWith(
                StorageError.STORAGE_UNAVAILABLE,
                "dataset does not exist",
                () -> plugin.allocImage(small, GUEST, Image.RAW, null, SIZE));
        failsWith(
                StorageError.STORAGE_UNAVAILABLE,
                "could not activate storage 'lab', zpool error: cannot import 'small'",
                () -> plugin.activateStorage(small, OperationCache.create()));
        Lab.run("zpool", "import", "-d", "/tmp", "small");
        assertThat(plugin.volumeSizeInfo(small, DISK, null).size()).isEqualTo(SIZE);
        ZfsLab.destroy("small");
    }

    @Test
    void aPoolThatIsFullTakesNothingMoreAndGivesUpWhatItHas() throws Exception {
        make(DISK, ByteSize.ofKib(65_536));
        Lab.run("dd", "if=/dev/urandom", "of=" + path(DISK), "bs=1M", "count=48", "status=none", "oflag=direct");
        plugin.snapshotVolume(storage, DISK, ONE);
        Path stream = exported(DISK, of(ONE, null, false));
        ZfsLab.prepare("small", "100M");
        Storage small = ZfsLab.storage("small", Map.of("sparse", "1"));
        plugin.allocImage(small, GUEST, Image.SUBVOL, DIRECTORY.value(), ByteSize.ofBytes(0));
        plugin.snapshotVolume(small, DIRECTORY, TWO);
        Process filler = new ProcessBuilder(
                        "dd", "if=/dev/urandom", "of=/small/subvol-100-disk-0/filler", "bs=1M", "status=none")
                .redirectErrorStream(true)
                .start();
        assertThat(new String(filler.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("No space left on device");
        Lab.run("zpool", "sync", "small");
        List<String> before = ZfsLab.names("all", "small");
        for (Runnable work : List.<Runnable>of(
                () -> plugin.allocImage(small, GUEST, Image.RAW, null, SIZE),
                () -> plugin.allocImage(small, GUEST, Image.SUBVOL, null, SIZE),
                () -> plugin.snapshotVolume(small, DIRECTORY, ONE),
                () -> plugin.createBase(small, DIRECTORY),
                () -> importedTo(small, stream, new VolumeName("vm-200-disk-0"), of(ONE, null, false), false))) {
            failsWith(StorageError.NO_SPACE, "space", work);
            assertThat(ZfsLab.names("all", "small")).isEqualTo(before);
        }
        assertThat(plugin.status(small, OperationCache.create()))
                .isInstanceOfSatisfying(
                        StorageStatus.Active.class,
                        active -> assertThat(active.available().bytes()).isZero());
        plugin.freeImage(small, DIRECTORY, false, null);
        plugin.allocImage(small, GUEST, Image.RAW, null, SIZE);
        ZfsLab.destroy("small");
    }

    // ---- encryption

    private static Storage encrypted() throws IOException {
        Path key = Files.writeString(Files.createTempFile("key-", ".txt"), "a long passphrase");
        Lab.run(
                "zfs",
                "create",
                "-o",
                "encryption=on",
                "-o",
                "keyformat=passphrase",
                "-o",
                "keylocation=file://" + key,
                TANK + "/secret");
        return ZfsLab.storage(TANK + "/secret", Map.of());
    }

    @Test
    void anEncryptedStorageHasEncryptedVolumesAndNeedsItsKey() throws IOException {
        Storage secret = encrypted();
        make(DISK, SIZE);
        write(DISK, 7);
        plugin.snapshotVolume(storage, DISK, ONE);
        // What comes in is encrypted as the storage is.
        VolumeName arrived = new VolumeName("vm-200-disk-0");
        importedTo(secret, exported(DISK, of(ONE, null, false)), arrived, of(ONE, null, false), false);
        plugin.allocImage(secret, GUEST, Image.SUBVOL, DIRECTORY.value(), SIZE);
        VolumeName base = plugin.createBase(secret, arrived);
        VolumeName clone = plugin.cloneImage(secret, base, new Vmid(101), null);
        assertThat(Lab.run(
                                "zfs",
                                "get",
                                "-H",
                                "-r",
                                "-t",
                                "filesystem,volume",
                                "-o",
                                "value",
                                "encryption",
                                TANK + "/secret")
                        .lines()
                        .distinct())
                .containsExactly("aes-256-gcm");
        List<String> all = List.of("base-200-disk-0", "base-200-disk-0/vm-101-disk-0", "subvol-100-disk-0");
        assertThat(names(secret)).isEqualTo(all);
        plugin.snapshotVolume(secret, DIRECTORY, ONE);
        plugin.rollback(secret, DIRECTORY, ONE);
        Lab.run("zfs", "unmount", TANK + "/secret");
        Lab.run("zfs", "unload-key", TANK + "/secret");
        assertThat(names(secret)).isEqualTo(all);
        assertThat(plugin.status(secret, OperationCache.create())).isInstanceOf(StorageStatus.Active.class);
        failsWith(
                StorageError.STORAGE_UNAVAILABLE,
                "key",
                () -> plugin.activateVolume(secret, DIRECTORY, null, OperationCache.create(), Hints.NONE));
        failsWith(
                StorageError.STORAGE_UNAVAILABLE, "key", () -> plugin.allocImage(secret, GUEST, Image.RAW, null, SIZE));
        Lab.run("zfs", "load-key", TANK + "/secret");
        Lab.run("zfs", "mount", "-a");
        for (VolumeName volume : List.of(clone, base, DIRECTORY)) {
            plugin.freeImage(secret, volume, false, null);
        }
        assertThat(names(secret)).isEmpty();
    }

    /** ZFS before 2.4 sends it as it is, with the key's traces, or not at all. */
    @Test
    void anEncryptedVolumeIsSentByAZfsThatCanLeaveTheKeyOut() throws IOException {
        Storage secret = encrypted();
        plugin.allocImage(secret, GUEST, Image.RAW, DISK.value(), SIZE);
        plugin.snapshotVolume(secret, DISK, ONE);
        failsWith(StorageError.NOT_SUPPORTED, "no option -U", () -> exportedFrom(secret, DISK, of(ONE, null, false)));
        assertThat(plugin.snapshots(secret, DISK)).containsOnlyKeys("one");
    }

    /** ZFS, but for what the lines of a shell do with its arguments before. */
    private static ZfsPoolPlugin withProgram(Path programs, Duration limit, String lines) throws IOException {
        Path zfs = programs.resolve("zfs");
        Files.writeString(zfs, "#!/bin/sh\n" + lines + "\nexec /sbin/zfs \"$@\"\n");
        assertThat(zfs.toFile().setExecutable(true)).isTrue();
        return new ZfsPoolPlugin(new ZfsHost(
                programs,
                Path.of("/dev/zvol"),
                Path.of("/proc/mounts"),
                Locks.ofHost(),
                limit,
                limit,
                Duration.ofMinutes(1)));
    }

    /** However many storages and volumes there are. */
    @Test
    void oneCommandTellsOfAllStorages() throws IOException {
        Path programs = Files.createTempDirectory("programs-");
        Path log = programs.resolve("log");
        ZfsPoolPlugin logged = withProgram(programs, Duration.ofMinutes(5), "echo \"$*\" >>" + log);
        make(DISK, SIZE);
        make(DIRECTORY, SIZE);
        Lab.run("zfs", "create", TANK + "/inner");
        Lab.run("zfs", "create", TANK + "/inner/deep");
        Lab.run("zfs", "create", TANK + "/inner/deep/deeper");
        List<String> places = List.of(TANK, TANK + "/inner", TANK + "/nosuch");
        // That there are these storages is known once each was asked for.
        places.forEach(place -> logged.status(ZfsLab.storage(place, Map.of()), OperationCache.create()));
        Files.delete(log);
        OperationCache cache = OperationCache.create();
        for (String place : places.subList(0, 2)) {
            Storage each = ZfsLab.storage(place, Map.of());
            logged.activateStorage(each, cache);
            assertThat(logged.status(each, cache)).isInstanceOf(StorageStatus.Active.class);
            assertThat(logged.listImages(each, ImageFilter.all(), cache)).hasSize(place.equals(TANK) ? 2 : 0);
        }
        assertThat(logged.status(ZfsLab.storage(TANK + "/nosuch", Map.of()), cache))
                .isInstanceOf(StorageStatus.Inactive.class);
        assertThat(Files.readAllLines(log))
                .singleElement()
                .satisfies(line -> assertThat(line).endsWith(" -d 1 " + String.join(" ", places)));
    }

    @Test
    void aPoolThatHangsIsWaitedForSoLongAndHoldsUpNoOther() throws IOException {
        ZfsPoolPlugin hanging = withProgram(
                Files.createTempDirectory("programs-"),
                Duration.ofSeconds(20),
                "case \"$*\" in *' hung') exec sleep 1000 ;; esac");
        failsWith(
                StorageError.STORAGE_UNAVAILABLE,
                "does not answer",
                () -> hanging.status(ZfsLab.storage("hung", Map.of()), OperationCache.create()));
        assertThat(hanging.status(storage, OperationCache.create())).isInstanceOf(StorageStatus.Active.class);
    }

    @Test
    void aChangeThatEndsWithoutAWordTakesNothingOfWhatWasThere() throws IOException {
        make(DISK, SIZE);
        write(DISK, 1);
        List<String> before = ZfsLab.names("all", TANK);
        ZfsPoolPlugin failing = withProgram(
                Files.createTempDirectory("programs-"),
                Duration.ofMinutes(5),
                "case $1 in create | snapshot) exit 1 ;; esac");
        failsWith(
                StorageError.ALREADY_EXISTS,
                "already exists",
                () -> failing.allocImage(storage, GUEST, Image.RAW, DISK.value(), SIZE));
        failsWith(StorageError.COMMAND_FAILED, "zfs error", () -> failing.createBase(storage, DISK));
        assertThat(ZfsLab.names("all", TANK)).isEqualTo(before);
    }

    @Test
    void aFileSystemStaysIfThereAreOthersInIt() {
        make(DIRECTORY, SIZE);
        plugin.snapshotVolume(storage, DIRECTORY, ONE);
        Lab.run("zfs", "create", TANK + "/subvol-100-disk-0/inner");
        List<String> before = ZfsLab.names("all", TANK);
        failsWith(
                StorageError.IN_USE,
                "subvol-100-disk-0/inner' for one",
                () -> plugin.freeImage(storage, DIRECTORY, false, null));
        assertThat(ZfsLab.names("all", TANK)).isEqualTo(before);
        assertThat(property("mounted", "subvol-100-disk-0")).isEqualTo("yes");
    }

    // ---- what interrupted work leaves

    private List<Finding> repaired(Interruption... causes) {
        for (Finding finding : plugin.examinable().orElseThrow().examine(storage, List.of(causes))) {
            if (finding.remedy() instanceof Remedy.Automatic automatic) {
                automatic.work().run();
            }
        }
        return plugin.examinable().orElseThrow().examine(storage, List.of(causes));
    }

    private static Interruption of(Mutation operation, VolumeName volume, @Nullable SnapshotName snapshot) {
        return new Interruption("1", operation, volume, snapshot, Map.of(), Map.of());
    }

    @Test
    void aBaseImageGetsTheSnapshotThatItLacks() {
        make(DISK, SIZE);
        make(DIRECTORY, SIZE);
        Lab.run("zfs", "rename", TANK + "/vm-100-disk-0", TANK + "/base-100-disk-0");
        Lab.run("zfs", "rename", TANK + "/subvol-100-disk-0", TANK + "/basevol-100-disk-0");
        assertThat(repaired(of(Mutation.CREATE_BASE, DISK, null))).isEmpty();
        assertThat(plugin.snapshots(storage, new VolumeName("base-100-disk-0"))).containsOnlyKeys("__base__");
        assertThat(Lab.run(
                                "zfs",
                                "get",
                                "-H",
                                "-o",
                                "value",
                                "pve-storage:refquota",
                                TANK + "/basevol-100-disk-0@__base__")
                        .strip())
                .isEqualTo(Long.toString(SIZE.bytes()));
    }

    @Test
    void anImportThatWasInterruptedGoesIfTheJournalKnowsIt() {
        Lab.run("zfs", "create", "-V", "4M", TANK + "/tenon-import-01234567-vm-100-disk-0");
        assertThat(plugin.findFreeDiskname(storage, GUEST, Image.RAW, false)).isEqualTo("vm-100-disk-1");
        assertThat(listed()).isEmpty();
        assertThat(repaired())
                .singleElement()
                .satisfies(finding -> assertThat(finding.remedy()).isInstanceOf(Remedy.ByHand.class));
        assertThat(repaired(of(Mutation.IMPORT_VOLUME, DISK, null))).isEmpty();
        assertThat(ZfsLab.names("filesystem,volume", TANK)).containsExactly(TANK);
    }

    @Test
    void whatOnlyAPersonCanKnowIsShown() {
        make(DIRECTORY, SIZE);
        plugin.snapshotVolume(storage, DIRECTORY, ONE);
        Interruption update = new Interruption(
                "1", Mutation.IMPORT_VOLUME, DIRECTORY, null, Map.of("format", "zfs", "base", "one"), Map.of());
        for (Interruption cause :
                List.of(of(Mutation.ROLLBACK, DIRECTORY, ONE), of(Mutation.FREE_IMAGE, DIRECTORY, ONE), update)) {
            Optional<Finding> left = repaired(cause).stream().findFirst();
            assertThat(left)
                    .hasValueSatisfying(finding -> assertThat(finding.place()).isEqualTo(TANK + "/subvol-100-disk-0"));
        }
        assertThat(plugin.snapshots(storage, DIRECTORY)).containsOnlyKeys("one");
    }

    @Test
    void anUpdateThatEndsInTheMiddleIsTold() throws IOException {
        make(DISK, SIZE);
        plugin.snapshotVolume(storage, DISK, ONE);
        VolumeName other = new VolumeName("vm-200-disk-0");
        imported(exported(DISK, of(ONE, null, false)), other, of(ONE, null, false), false);
        write(DISK, 1);
        plugin.snapshotVolume(storage, DISK, TWO);
        Transfer update = of(TWO, ONE, false);
        Path stream = exported(DISK, update);
        byte[] all = Files.readAllBytes(stream);
        Files.write(stream, Arrays.copyOf(all, all.length * 3 / 4));
        Journal journal = new Journal(Files.createTempDirectory("journal-"));
        StoragePlugin journalled = Decorator.decorate(plugin, new Journalled(journal, plugin));
        try (Descriptor descriptor = Descriptor.openForReading(stream);
                DescriptorImport incoming =
                        new DescriptorImport(descriptor, StreamSettings.USUAL.named("the import"))) {
            assertThatThrownBy(() -> journalled.importVolume(storage, other, "zfs", update, false, incoming))
                    .isInstanceOfSatisfying(
                            StorageException.class,
                            e -> assertThat(e.outcome()).as(e.getMessage()).isEqualTo(Outcome.UNKNOWN));
        }
        Doctor.Report report =
                new Doctor(journal).repair(storage, plugin, Locks.ofHost().storage(storage.id(), false));
        assertThat(report.left()).anySatisfy(left -> {
            assertThat(left.place()).isEqualTo(TANK + "/vm-200-disk-0");
            assertThat(left.toString()).contains("brought forward from its snapshot 'one'");
        });
        assertThat(plugin.snapshots(storage, other)).containsOnlyKeys("one");
        assertThat(read(other)).isZero();
    }
}
