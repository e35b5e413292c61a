package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What has gone wrong with volumes of LVM elsewhere, and what must go well in a pool or a group that is in trouble; in a guest. */
class LvmTroubles {
    private static final Vmid GUEST = new Vmid(100);
    private static final ByteSize SIZE = ByteSize.ofKib(4096);
    private static final int MIB = 1 << 20;
    private static final VolumeName RAW = new VolumeName("vm-100-disk-0");
    private static final VolumeName QCOW2 = new VolumeName("vm-100-disk-0.qcow2");
    private static final SnapshotName ONE = new SnapshotName("one");
    private static final Transfer WHOLE = new Transfer(null, null, false);

    private final StoragePlugin thin = LvmWork.plugin(true);
    private final Storage pool = LvmWork.storage(true);
    private final StoragePlugin thick = LvmWork.plugin(false);
    private final Storage chains = LvmWork.storage(false);

    @BeforeAll
    static void prepare() {
        Lab.prepare(Lab.GROUP, "/dev/ubda");
    }

    @AfterEach
    void removeAll() {
        // A pool goes after what is in it.
        for (String name : names(Lab.GROUP).reversed()) {
            if (!name.equals(Lab.POOL)) {
                Lab.run("lvremove", "-f", Lab.GROUP + "/" + name);
            }
        }
    }

    private static List<String> names(String group) {
        return Lab.run("lvs", "--noheadings", "-o", "lv_name", group)
                .lines()
                .map(String::strip)
                .sorted()
                .toList();
    }

    private static String field(String name, String place) {
        return Lab.run("lvs", "--noheadings", "-o", name, place).strip();
    }

    private static boolean isActive(String place) {
        return Files.exists(Path.of("/dev", place));
    }

    private static void write(Path device, long at, int value, int length) throws IOException {
        try (FileChannel channel = FileChannel.open(device, StandardOpenOption.WRITE)) {
            ByteBuffer data = ByteBuffer.allocate(length);
            while (data.hasRemaining()) {
                data.put((byte) value);
            }
            channel.write(data.flip(), at);
            channel.force(true);
        }
    }

    private static int byteAt(Path file, long at) throws IOException {
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
            open.seek(at);
            return open.read();
        }
    }

    private static void failsWith(StorageError error, String words, Runnable work) {
        assertThatThrownBy(work::run).isInstanceOfSatisfying(StorageException.class, e -> {
            assertThat(e.getMessage()).contains(words);
            assertThat(e.error()).as(e.getMessage()).isEqualTo(error);
            assertThat(e.outcome()).as(e.getMessage()).isNotEqualTo(Outcome.UNKNOWN);
        });
    }

    // ---- exports of thin volumes

    private static Path exported(StoragePlugin plugin, Storage storage, VolumeName volume) throws IOException {
        Path file = Files.createTempFile("exported-", ".raw");
        try (Descriptor descriptor = Descriptor.openForWriting(file);
                DescriptorExport export = new DescriptorExport(descriptor, StreamSettings.USUAL)) {
            plugin.exportVolume(storage, volume, "raw+size", WHOLE, export);
        }
        return file;
    }

    /** How much was read of a device so far. */
    private static long bytesRead(Path device) throws IOException {
        String number =
                Lab.run("stat", "-L", "-c", "%Hr:%Lr", device.toString()).strip();
        String statistics = Files.readString(Path.of("/sys/dev/block", number, "stat"));
        return Long.parseLong(statistics.strip().split("\\s+", -1)[2]) * 512;
    }

    @Test
    void anExportOfAThinVolumeReadsOnlyWhatWasWritten() throws IOException {
        int size = 64 * MIB;
        thin.allocImage(pool, GUEST, Image.RAW, RAW.value(), ByteSize.ofBytes(size));
        Path device = Path.of(thin.path(pool, RAW, null).path());
        write(device, 0, 1, 4096);
        write(device, 40L * MIB, 2, MIB);
        write(device, size - 4096, 3, 4096);
        long before = bytesRead(device);
        Path file = exported(thin, pool, RAW);
        assertThat(bytesRead(device) - before).isBetween((long) MIB, 16L * MIB);
        assertThat(Files.size(file)).isEqualTo(8L + size);
        for (long[] place : new long[][] {
            {0, 1}, {4096, 0}, {40L * MIB - 1, 0}, {40L * MIB, 2}, {41L * MIB - 1, 2}, {41L * MIB, 0}, {size - 1, 3}
        }) {
            assertThat(byteAt(file, 8 + place[0]))
                    .as("the byte at %d", place[0])
                    .isEqualTo((int) place[1]);
        }

        // The pool has one copy of its metadata; who gets none reads everything.
        String name = Lab.GROUP.replace("-", "--") + "-" + Lab.POOL + "-tpool";
        Lab.run("dmsetup", "message", name, "0", "reserve_metadata_snap");
        try {
            assertThat(Files.mismatch(exported(thin, pool, RAW), file)).isEqualTo(-1);
        } finally {
            Lab.run("dmsetup", "message", name, "0", "release_metadata_snap");
        }
    }

    // ---- a pool that is full, a group that has lost a disk

    @Test
    void aStreamThatDoesNotFitIntoAThinPoolLeavesNothing() throws IOException {
        Lab.run("lvcreate", "-q", "-L", "8m", "--errorwhenfull", "y", "-T", Lab.GROUP + "/small");
        Storage small = Lab.thin(Lab.GROUP, "small");
        VolumeName other = new VolumeName("vm-101-disk-0");
        thin.allocImage(small, new Vmid(101), Image.RAW, other.value(), SIZE);
        Path device = Path.of(thin.path(small, other, null).path());
        write(device, 0, 5, 4096);

        int size = 32 * MIB;
        byte[] stream = new byte[8 + size];
        Arrays.fill(stream, (byte) 1);
        ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN).putLong(size);
        Path file = Files.write(Files.createTempFile("stream-", ".raw"), stream);
        assertThatThrownBy(() -> {
                    try (Descriptor descriptor = Descriptor.openForReading(file);
                            DescriptorImport incoming = new DescriptorImport(descriptor, StreamSettings.USUAL)) {
                        thin.importVolume(small, RAW, "raw+size", WHOLE, false, incoming);
                    }
                })
                .isInstanceOf(StorageException.class);
        assertThat(thin.listImages(small, ImageFilter.all(), OperationCache.create()))
                .extracting(image -> image.volid().volume())
                .containsExactly(other);
        assertThat(byteAt(device, 100)).isEqualTo(5);
        assertThat(thin.status(small, OperationCache.create()))
                .isInstanceOfSatisfying(
                        StorageStatus.Active.class,
                        status -> assertThat(status.used().bytes()).isLessThan(MIB));
    }

    @Test
    void aGroupThatHasLostADiskKeepsWhatIsOnTheOther() throws IOException {
        Path directory = Files.createTempDirectory("disks-");
        String[] disks = new String[2];
        for (int i = 0; i < disks.length; i++) {
            Path file = directory.resolve("disk" + i);
            Lab.run("truncate", "-s", "64M", file.toString());
            disks[i] = Lab.run("losetup", "--show", "-f", file.toString()).strip();
            Lab.run("pvcreate", "-q", disks[i]);
        }
        Lab.run("vgcreate", "-q", "lossy", disks[0], disks[1]);
        Storage storage = Lab.thick("lossy", Map.of());
        VolumeName lost = new VolumeName("vm-101-disk-0");
        try {
            for (int i = 0; i < disks.length; i++) {
                String owner = "pve-vm-10" + i;
                Lab.run(
                        "lvcreate",
                        "-an",
                        "-Zn",
                        "-L",
                        "8m",
                        "-n",
                        "vm-10" + i + "-disk-0",
                        "--addtag",
                        owner,
                        "lossy",
                        disks[i]);
            }
            Lab.run("losetup", "-d", disks[1]);
            assertThat(thick.listImages(storage, ImageFilter.all(), OperationCache.create()))
                    .extracting(image -> image.volid().volume())
                    .containsExactlyInAnyOrder(RAW, lost);
            assertThat(thick.status(storage, OperationCache.create())).isInstanceOf(StorageStatus.Active.class);
            thick.activateVolume(storage, RAW, null, OperationCache.create(), Hints.NONE);
            assertThat(isActive("lossy/" + RAW)).isTrue();
            assertThatThrownBy(() -> thick.activateVolume(storage, lost, null, OperationCache.create(), Hints.NONE))
                    .isInstanceOf(StorageException.class);
            assertThatThrownBy(() -> thick.allocImage(storage, GUEST, Image.RAW, null, SIZE))
                    .isInstanceOfSatisfying(
                            StorageException.class,
                            e -> assertThat(e.outcome()).as(e.getMessage()).isEqualTo(Outcome.FAILED_CLEAN));
            assertThat(thick.freeImage(storage, lost, false, Image.RAW)).isEmpty();
            // LVM warns of the disk, in lines of its own.
            assertThat(names("lossy")).contains(RAW.value()).doesNotContain(lost.value());
        } finally {
            Lab.run("vgreduce", "-q", "--removemissing", "--force", "lossy");
            Lab.run("vgremove", "-qq", "-f", "lossy");
            Lab.run("losetup", "-d", disks[0]);
        }
    }

    // ---- saferemove

    private void freed(Storage storage, VolumeName volume, Image format, Consumer<Cleanup> then) {
        then.accept(thick.freeImage(storage, volume, false, format).orElseThrow());
    }

    @Test
    void whatCannotBeOverwrittenIsKeptAndTheDoctorTells() {
        Storage wiping = Lab.thick(Lab.GROUP, Map.of("saferemove", "1"));
        thick.allocImage(wiping, GUEST, Image.RAW, RAW.value(), SIZE);
        freed(wiping, RAW, Image.RAW, cleanup -> {
            assertThat(findings(wiping)).singleElement().satisfies(finding -> {
                assertThat(finding.what()).contains("is still to be overwritten");
                assertThat(finding.remedy()).isInstanceOf(Finding.Remedy.ByHand.class);
            });
            Lab.run("lvchange", "-pr", Lab.GROUP + "/del-" + RAW);
            assertThatThrownBy(cleanup::run).hasMessageContaining("could not be overwritten, so it is kept");
        });
        assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL, "failed-0-del-" + RAW);
        assertThat(findings(wiping))
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("could not be overwritten"));
    }

    private static FileChannel opened(String name) throws IOException {
        return FileChannel.open(Path.of("/dev", Lab.GROUP, name), StandardOpenOption.READ);
    }

    /** LVM renames a volume that is open, and it would be overwritten under who uses it. */
    @Test
    void whatIsOpenIsNotOverwritten() throws IOException {
        Storage wiping = Lab.thick(Lab.GROUP, Map.of("saferemove", "1", "saferemove_throughput", "-100m"));
        thick.allocImage(wiping, GUEST, Image.RAW, RAW.value(), SIZE);
        Path device = Path.of(thick.path(wiping, RAW, null).path());
        write(device, MIB, 9, 4096);
        try (FileChannel _ = opened(RAW.value())) {
            failsWith(StorageError.IN_USE, "is in use", () -> thick.freeImage(wiping, RAW, false, Image.RAW));
            assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL, RAW.value());
            assertThat(byteAt(device, MIB)).isEqualTo(9);
        }
        Cleanup cleanup = thick.freeImage(wiping, RAW, false, Image.RAW).orElseThrow();
        // As if it had been opened just before it got its name.
        Lab.run("lvchange", "-ay", Lab.GROUP + "/del-" + RAW);
        try (FileChannel _ = opened("del-" + RAW)) {
            assertThatThrownBy(cleanup::run).hasMessageContaining("could not be overwritten, so it is kept");
            assertThat(byteAt(Path.of("/dev", Lab.GROUP, "failed-0-del-" + RAW), MIB))
                    .isEqualTo(9);
        }
    }

    @Test
    void ofAChainThatIsOpenNothingIsTakenAway() throws IOException {
        Storage wiping = Lab.thick(Lab.GROUP, Map.of("snapshot-as-volume-chain", "1", "saferemove", "1"));
        thick.allocImage(chains, GUEST, Image.QCOW2, QCOW2.value(), SIZE);
        thick.snapshotVolume(chains, QCOW2, ONE);
        thick.snapshotVolume(chains, QCOW2, new SnapshotName("two"));
        List<String> all = names(Lab.GROUP);
        String snapshot = "snap_vm-100-disk-0_two.qcow2";
        assertThat(all).containsExactly(Lab.POOL, "snap_vm-100-disk-0_one.qcow2", snapshot, QCOW2.value());
        try (FileChannel _ = opened(QCOW2.value())) {
            failsWith(StorageError.IN_USE, "is in use", () -> thick.rollback(chains, QCOW2, new SnapshotName("two")));
        }
        thick.activateVolume(chains, QCOW2, null, OperationCache.create(), Hints.NONE);
        try (FileChannel _ = opened(snapshot)) {
            failsWith(StorageError.IN_USE, "is in use", () -> thick.freeImage(chains, QCOW2, false, Image.QCOW2));
            failsWith(
                    StorageError.IN_USE,
                    "is in use",
                    () -> thick.deleteSnapshot(wiping, QCOW2, new SnapshotName("two"), false));
        }
        assertThat(names(Lab.GROUP)).isEqualTo(all);
        assertThat(thick.snapshots(chains, QCOW2)).containsOnlyKeys("current", "two", "one");
    }

    private List<Finding> findings(Storage storage) {
        return thick.examinable().orElseThrow().examine(storage, List.of());
    }

    // ---- names, formats and tags

    @Test
    void namesOfVolumesAndSnapshotsMayHoldUnderscores() {
        VolumeName volume = new VolumeName("vm-100-disk_with_underscore.qcow2");
        SnapshotName snapshot = new SnapshotName("here_s_some_more");
        thick.allocImage(chains, GUEST, Image.QCOW2, volume.value(), SIZE);
        thick.snapshotVolume(chains, volume, snapshot);
        assertThat(thick.snapshots(chains, volume)).containsOnlyKeys("current", "here_s_some_more");
        thick.deleteSnapshot(chains, volume, snapshot, false);
        assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL, volume.value());
    }

    @Test
    void volumesOfTheSameNameInAnotherGroupAreLeftAlone() {
        Lab.prepare("other", "/dev/ubdb");
        Storage other = Lab.thick("other", Map.of("snapshot-as-volume-chain", "1"));
        for (Storage storage : List.of(chains, other)) {
            thick.allocImage(storage, GUEST, Image.QCOW2, QCOW2.value(), SIZE);
            thick.snapshotVolume(storage, QCOW2, ONE);
        }
        thick.deactivateVolume(chains, QCOW2, null, OperationCache.create());
        assertThat(isActive(Lab.GROUP + "/" + QCOW2)).isFalse();
        assertThat(isActive("other/" + QCOW2)).isTrue();
        thick.freeImage(other, QCOW2, false, Image.QCOW2);
        assertThat(names("other")).containsExactly(Lab.POOL);
        assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL, "snap_vm-100-disk-0_one.qcow2", QCOW2.value());
    }

    /** Its header tells whether it has snapshots, and can only be read while it is active. */
    @Test
    void aVolumeThatIsNotActiveIsRenamed() {
        thick.allocImage(chains, GUEST, Image.QCOW2, QCOW2.value(), SIZE);
        thick.deactivateVolume(chains, QCOW2, null, OperationCache.create());
        assertThat(thick.renameVolume(chains, QCOW2, new Vmid(101), null).volume())
                .hasToString("vm-101-disk-0.qcow2");
        assertThat(field("lv_tags", Lab.GROUP + "/vm-101-disk-0.qcow2"))
                .isEqualTo("pve-vm-101,pve-vm-101-disk-0.qcow2");
    }

    @Test
    void theSizeOfAVolumeThatIsNotActiveIsToldAndItStaysSo() {
        thick.allocImage(chains, GUEST, Image.QCOW2, QCOW2.value(), SIZE);
        thick.deactivateVolume(chains, QCOW2, null, OperationCache.create());
        assertThat(thick.volumeSizeInfo(chains, QCOW2, null).size()).isEqualTo(SIZE);
        assertThat(isActive(Lab.GROUP + "/" + QCOW2)).isFalse();
    }

    /** Somebody else has activated part of it meanwhile, or all. */
    @Test
    void theSizeIsToldAlsoIfTheVolumeCannotBeDeactivatedAgain() throws IOException {
        String snapshot = "snap_vm-100-disk-0_one.qcow2";
        thick.allocImage(chains, GUEST, Image.QCOW2, QCOW2.value(), SIZE);
        thick.snapshotVolume(chains, QCOW2, ONE);
        thick.deactivateVolume(chains, QCOW2, null, OperationCache.create());
        Lab.run("lvchange", "-ay", Lab.GROUP + "/" + snapshot);
        try (FileChannel _ = opened(snapshot)) {
            assertThat(thick.volumeSizeInfo(chains, QCOW2, null).size()).isEqualTo(SIZE);
            assertThat(isActive(Lab.GROUP + "/" + QCOW2)).isTrue();
        }
    }

    @Test
    void aSnapshotIsDeletedAlsoIfTheVolumeIsLargerNow() {
        thick.allocImage(chains, GUEST, Image.QCOW2, QCOW2.value(), SIZE);
        thick.snapshotVolume(chains, QCOW2, ONE);
        ByteSize larger = ByteSize.ofKib(12 << 10);
        thick.resizeVolume(chains, QCOW2, larger, false, null);
        thick.deleteSnapshot(chains, QCOW2, ONE, false);
        assertThat(thick.volumeSizeInfo(chains, QCOW2, null).size()).isEqualTo(larger);
        assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL, QCOW2.value());
    }

    /** QEMU has written a running guest's volume into its only snapshot, and goes on with that. */
    @Test
    void theVolumeThatQemuHasLeftForItsOnlySnapshotGivesItsName() {
        SnapshotName current = new SnapshotName("current");
        thick.allocImage(chains, GUEST, Image.QCOW2, QCOW2.value(), SIZE);
        thick.snapshotVolume(chains, QCOW2, ONE);
        thick.deleteSnapshot(chains, QCOW2, current, true);
        assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL, "snap_vm-100-disk-0_one.qcow2");
        thick.renameSnapshot(chains, QCOW2, ONE, current);
        assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL, QCOW2.value());
        assertThat(thick.snapshots(chains, QCOW2)).containsOnlyKeys("current");
    }

    /** LVM calls it a success if a selection or a tag selects nothing. */
    @Test
    void whatIsNotThereIsNotActivatedInSilence() {
        failsWith(
                StorageError.NOT_FOUND,
                "no such logical volume",
                () -> thick.activateVolume(chains, QCOW2, null, OperationCache.create(), Hints.NONE));
    }

    /** LVM makes it, and it can never be activated. */
    @Test
    void aSnapshotWhoseDeviceCouldHaveNoNameIsNotMade() {
        VolumeName volume = new VolumeName("vm-100-" + "a-".repeat(33) + "z");
        thin.allocImage(pool, GUEST, Image.RAW, volume.value(), SIZE);
        failsWith(
                StorageError.INVALID_NAME,
                "could not be activated",
                () -> thin.snapshotVolume(pool, volume, new SnapshotName("one-two-three")));
        assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL, volume.value());
    }

    @Test
    void volumesWithOtherNamesAreNeverListed() {
        for (String name : List.of("home", "vm-100", "vmx-100-disk-0", "vm-x-disk-0", "del-vm-100-disk-7")) {
            Lab.run("lvcreate", "-q", "-aln", "-Zn", "-L", "4m", "-n", name, Lab.GROUP);
        }
        for (Storage storage : List.of(chains, pool)) {
            StoragePlugin plugin = storage.equals(pool) ? thin : thick;
            assertThat(plugin.listImages(storage, ImageFilter.all(), OperationCache.create()))
                    .isEmpty();
            for (String name : List.of("home", "vm-100", Lab.POOL)) {
                failsWith(
                        StorageError.INVALID_NAME,
                        "unable to parse lvm volume name",
                        () -> plugin.freeImage(storage, new VolumeName(name), false, Image.RAW));
            }
        }
    }

    @Test
    void anExportOfACloneHasWhatItsBaseHas() throws IOException {
        thin.allocImage(pool, GUEST, Image.RAW, RAW.value(), ByteSize.ofBytes(16 * MIB));
        write(Path.of(thin.path(pool, RAW, null).path()), 5 * MIB, 7, 4096);
        VolumeName clone = thin.cloneImage(pool, thin.createBase(pool, RAW), new Vmid(101), null);
        thin.activateVolume(pool, clone, null, OperationCache.create(), Hints.NONE);
        write(Path.of(thin.path(pool, clone, null).path()), 9 * MIB, 8, 4096);
        Path file = exported(thin, pool, clone);
        assertThat(byteAt(file, 8 + 5 * MIB)).isEqualTo(7);
        assertThat(byteAt(file, 8 + 9 * MIB)).isEqualTo(8);
        assertThat(byteAt(file, 8 + 13 * MIB)).isZero();
    }

    @Test
    void whatWasRemovedIsOverwrittenBeforeItsRoomIsGivenAway() throws IOException {
        Storage wiping = Lab.thick(Lab.GROUP, Map.of("saferemove", "1", "saferemove_throughput", "-100m"));
        thick.allocImage(wiping, GUEST, Image.RAW, RAW.value(), SIZE);
        write(Path.of(thick.path(wiping, RAW, null).path()), MIB, 9, MIB);
        String begin = field("seg_pe_ranges", Lab.GROUP + "/" + RAW);
        freed(wiping, RAW, Image.RAW, cleanup -> {
            assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL, "del-" + RAW);
            assertThat(thick.listImages(wiping, ImageFilter.all(), OperationCache.create()))
                    .isEmpty();
            // Its number is not given away either.
            assertThat(thick.findFreeDiskname(wiping, GUEST, Image.RAW, false)).isEqualTo("vm-100-disk-1");
            cleanup.run();
        });
        assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL);
        thick.allocImage(wiping, GUEST, Image.RAW, RAW.value(), SIZE);
        assertThat(field("seg_pe_ranges", Lab.GROUP + "/" + RAW)).isEqualTo(begin);
        assertThat(byteAt(Path.of(thick.path(wiping, RAW, null).path()), MIB)).isZero();
    }

    /** Elsewhere the overwriting waited for the lock that its parent held. */
    @Test
    void aChainIsRolledBackAlsoIfWhatIsRemovedIsOverwritten() {
        Storage wiping = Lab.thick(
                Lab.GROUP,
                Map.of("snapshot-as-volume-chain", "1", "saferemove", "1", "saferemove_throughput", "-100m"));
        thick.allocImage(wiping, GUEST, Image.QCOW2, QCOW2.value(), SIZE);
        thick.snapshotVolume(wiping, QCOW2, ONE);
        thick.rollback(wiping, QCOW2, ONE);
        assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL, "snap_vm-100-disk-0_one.qcow2", QCOW2.value());
    }

    /** PVE renames the snapshot next, and until then no guest can start. */
    @Test
    void aVolumeThatARunningGuestHasLeftIsOverwrittenAfterTheCall() {
        Storage slow = Lab.thick(
                Lab.GROUP,
                Map.of("snapshot-as-volume-chain", "1", "saferemove", "1", "saferemove_throughput", "-400k"));
        thick.allocImage(slow, GUEST, Image.QCOW2, QCOW2.value(), SIZE);
        thick.snapshotVolume(slow, QCOW2, ONE);
        thick.deleteSnapshot(slow, QCOW2, new SnapshotName("current"), true);
        assertThat(names(Lab.GROUP)).contains("del-" + QCOW2).doesNotContain(QCOW2.value());
        thick.renameSnapshot(slow, QCOW2, ONE, new SnapshotName("current"));
        assertThat(names(Lab.GROUP)).contains(QCOW2.value());
        await().atMost(Duration.ofMinutes(5))
                .untilAsserted(() -> assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL, QCOW2.value()));
    }

    @Test
    void aNameWithoutTheFormatGetsItAndOneOfAnotherFormatIsRefused() {
        assertThat(thick.allocImage(chains, new Vmid(9999), Image.QCOW2, "vm-9999-pvc-fa3e", SIZE))
                .hasToString("vm-9999-pvc-fa3e.qcow2");
        assertThat(field("lv_tags", Lab.GROUP + "/vm-9999-pvc-fa3e.qcow2"))
                .isEqualTo("pve-vm-9999,pve-vm-9999-pvc-fa3e.qcow2");
        failsWith(
                StorageError.INVALID_NAME,
                "did you mean",
                () -> thick.allocImage(chains, GUEST, Image.RAW, "vm-100-x.qcow2", SIZE));
        assertThat(thick.formats(chains).preferred()).isEqualTo(Image.QCOW2);
    }

    @Test
    void aThinVolumeThatIsOpenKeepsItsSnapshots() throws IOException {
        thin.allocImage(pool, GUEST, Image.RAW, RAW.value(), SIZE);
        thin.snapshotVolume(pool, RAW, ONE);
        List<String> all = names(Lab.GROUP);
        try (FileChannel _ = opened(RAW.value())) {
            failsWith(StorageError.IN_USE, "is in use", () -> thin.freeImage(pool, RAW, false, Image.RAW));
        }
        assertThat(names(Lab.GROUP)).isEqualTo(all).contains("snap_vm-100-disk-0_one");
        thin.activateVolume(pool, RAW, ONE, OperationCache.create(), Hints.NONE);
        try (FileChannel _ = opened("snap_vm-100-disk-0_one")) {
            failsWith(StorageError.IN_USE, "is in use", () -> thin.freeImage(pool, RAW, false, Image.RAW));
        }
        assertThat(names(Lab.GROUP)).isEqualTo(all);
        thin.freeImage(pool, RAW, false, Image.RAW);
        assertThat(names(Lab.GROUP)).containsExactly(Lab.POOL);
    }

    @Test
    void aThinVolumeCanBeRolledBackThoughItIsRaw() {
        thin.allocImage(pool, GUEST, Image.RAW, RAW.value(), SIZE);
        thin.snapshotVolume(pool, RAW, ONE);
        assertThat(thin.rollbackIsPossible(pool, RAW, ONE)).isInstanceOf(Rollback.Possible.class);
        thin.rollback(pool, RAW, ONE);
    }

    /** The two releases of LVM fail in different words then. */
    @Test
    void aVolumeMayBeMadeAsLargeAsItIs() {
        thin.allocImage(pool, GUEST, Image.RAW, RAW.value(), SIZE);
        thin.resizeVolume(pool, RAW, SIZE, false, null);
        assertThat(thin.volumeSizeInfo(pool, RAW, null).size()).isEqualTo(SIZE);
    }
}
