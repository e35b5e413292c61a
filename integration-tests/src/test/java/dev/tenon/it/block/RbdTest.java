package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.doctor.Doctor;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.block.rbd.RbdHost;
import dev.tenon.core.storage.block.rbd.RbdPlugin;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The type rbd on a cluster: what people met in practice, what goes wrong, and what interrupted work leaves. The file is long
 * because a cluster is started once for all of it.
 */
@TestInstance(Lifecycle.PER_CLASS)
class RbdTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final SnapshotName ONE = new SnapshotName("one");
    private static final Transfer AS_IT_IS = new Transfer(null, null, false);
    private static final long MIB = 1 << 20;

    private final RbdLab lab;
    private final RbdPlugin plugin;
    private final Storage storage;
    private int journals;

    RbdTest(Scratch scratch) {
        lab = RbdLab.start(scratch);
        plugin = lab.plugin();
        storage = lab.storage(Map.of());
    }

    @AfterEach
    void empty() {
        for (int pass = 0; pass < 2; pass++) {
            for (String name : lab.rbd("ls", "rbd").lines().toList()) {
                if (pass == 1 || lab.rbd("info", "rbd/" + name).contains("parent:")) {
                    for (String line :
                            lab.rbd("snap", "ls", "rbd/" + name).lines().skip(1).toList()) {
                        if (line.contains("yes")) {
                            String[] words = line.strip().split("\\s+", -1);
                            lab.rbd("snap", "unprotect", "rbd/" + name + "@" + words[1]);
                        }
                    }
                    lab.rbd("snap", "purge", "--no-progress", "rbd/" + name);
                    lab.rbd("rm", "--no-progress", "rbd/" + name);
                }
            }
        }
    }

    private VolumeName make(@Nullable String name, long bytes) {
        return plugin.allocImage(storage, GUEST, Image.RAW, name, ByteSize.ofBytes(bytes));
    }

    private List<String> listed(StoragePlugin asked, Storage of) {
        return asked.listImages(of, ImageFilter.all(), OperationCache.create()).stream()
                .map(image -> image.volid().volume().value())
                .sorted()
                .toList();
    }

    private static void refused(StorageError error, Outcome outcome, String text, Runnable call) {
        assertThatThrownBy(call::run).isInstanceOfSatisfying(StorageException.class, e -> {
            assertThat(e.error()).as(e.getMessage()).isEqualTo(error);
            assertThat(e.outcome()).as(e.getMessage()).isEqualTo(outcome);
            assertThat(e).hasMessageContaining(text);
        });
    }

    /** The cluster looks at all of an image for it, unless the image has a map of what it has. */
    @Test
    void theSizeIsToldAlsoIfWhatIsUsedIsNot() throws IOException {
        VolumeName disk = make("vm-100-disk-0", MIB);
        assertThat(plugin.volumeSizeInfo(storage, disk, null).used()).isNotNull();
        Path programs = Files.createDirectory(lab.host().etc().resolve("programs"));
        Path rbd = Files.writeString(
                programs.resolve("rbd"),
                "#!/bin/sh\ncase \" $* \" in *' du '*) exit 110 ;; esac\nexec "
                        + lab.ceph().programs() + "/rbd \"$@\"\n");
        assertThat(rbd.toFile().setExecutable(true)).isTrue();
        RbdHost host = lab.host();
        RbdPlugin without = new RbdPlugin(new RbdHost(
                programs, host.etc(), host.devices(), host.kernel(), false, host.locks(), host.read(), host.change()));
        SizeInfo info = without.volumeSizeInfo(storage, disk, null);
        assertThat(info.size()).isEqualTo(ByteSize.ofBytes(MIB));
        assertThat(info.used()).isNull();
    }

    @Test
    void sizesAreRoundedUpToMebibytesAndReadBack() {
        VolumeName disk = make("vm-100-efi", 528 << 10);
        assertThat(plugin.volumeSizeInfo(storage, disk, null).size()).isEqualTo(ByteSize.ofBytes(MIB));
        plugin.resizeVolume(storage, disk, ByteSize.ofBytes(3 * MIB + 1), false, null);
        assertThat(plugin.volumeSizeInfo(storage, disk, null).size()).isEqualTo(ByteSize.ofBytes(4 * MIB));
        plugin.resizeVolume(storage, disk, ByteSize.ofBytes(9 * MIB), true, null);
        assertThat(plugin.volumeSizeInfo(storage, disk, null).size())
                .as("a running guest's disk is made larger by QEMU")
                .isEqualTo(ByteSize.ofBytes(4 * MIB));
    }

    @Test
    void baseImagesAndStatesOfGuestsTakeNumbersAndNames() {
        plugin.createBase(storage, make(null, MIB));
        assertThat(plugin.findFreeDiskname(storage, GUEST, Image.RAW, false)).isEqualTo("vm-100-disk-1");
        VolumeName state = make("vm-100-state-Test-w-ram", MIB);
        assertThat(plugin.parseVolname(state).owner()).isEqualTo(GUEST);
        assertThat(listed(plugin, storage)).containsExactly("base-100-disk-0", "vm-100-state-Test-w-ram");
    }

    @Test
    void imagesWithOtherNamesAreNeitherListedNorTouched() {
        for (String name : List.of("data", "vm-100", "vm-x-disk-0", "xvm-100-disk-0", "vm-0100-disk-0", "base-7")) {
            lab.rbd("create", "--size", "1", "rbd/" + name);
            refused(
                    StorageError.INVALID_NAME,
                    Outcome.NOT_STARTED,
                    "unable to parse rbd volume name",
                    () -> plugin.freeImage(storage, new VolumeName(name), false, null));
        }
        assertThat(listed(plugin, storage)).isEmpty();
        assertThat(lab.rbd("ls", "rbd").lines()).hasSize(6);
    }

    /** A name with a slash would be an image of another pool, and one with @ a snapshot. */
    @ParameterizedTest
    @ValueSource(strings = {"vm-100-x/vm-100-disk-0", "vm-100-disk-0@one", "vm-100-a:conf=b", "other/vm-100-disk-0"})
    void namesThatMeanAnotherPlaceAreRefused(String name) {
        refused(
                StorageError.INVALID_NAME,
                Outcome.NOT_STARTED,
                "unable to parse",
                () -> plugin.path(storage, new VolumeName(name), null));
    }

    /** Ceph says success when it purges snapshots and leaves the protected ones. */
    @Test
    void anImageWithClonesIsRefusedBeforeAnythingOfItIsGone() {
        VolumeName base = plugin.createBase(storage, make(null, MIB));
        VolumeName clone = plugin.cloneImage(storage, base, new Vmid(101), null);
        assertThat(clone.value()).isEqualTo("base-100-disk-0/vm-101-disk-0");
        lab.rbd("snap", "create", "--no-progress", "rbd/base-100-disk-0@more");
        String before = lab.rbd("snap", "ls", "rbd/base-100-disk-0");
        refused(
                StorageError.IN_USE,
                Outcome.NOT_STARTED,
                "still in use by linked clones: rbd/vm-101-disk-0",
                () -> plugin.freeImage(storage, base, true, null));
        assertThat(lab.rbd("snap", "ls", "rbd/base-100-disk-0")).isEqualTo(before);
        plugin.freeImage(storage, clone, false, null);
        plugin.freeImage(storage, base, true, null);
        assertThat(listed(plugin, storage)).isEmpty();
    }

    /** Clones would be of the time when it was taken. */
    @Test
    void anImageWithAnOldSnapshotOfABaseImageIsNotMadeOne() {
        VolumeName disk = make(null, MIB);
        lab.rbd("snap", "create", "--no-progress", "rbd/vm-100-disk-0@__base__");
        refused(
                StorageError.ALREADY_EXISTS,
                Outcome.NOT_STARTED,
                "snapshot '__base__' already exists",
                () -> plugin.createBase(storage, disk));
        assertThat(listed(plugin, storage)).containsExactly("vm-100-disk-0");
    }

    @Test
    void aCloneThatFailsIsCleanOnlyIfTheSnapshotIsAsProtectedAsBefore() {
        VolumeName disk = make(null, MIB);
        plugin.snapshotVolume(storage, disk, ONE);
        Storage nowhere = lab.storage(Map.of("data-pool", "nowhere"));
        for (Outcome outcome : List.of(Outcome.UNKNOWN, Outcome.FAILED_CLEAN)) {
            assertThatThrownBy(() -> plugin.cloneImage(nowhere, disk, new Vmid(101), ONE))
                    .isInstanceOfSatisfying(
                            StorageException.class, e -> assertThat(e.outcome()).isEqualTo(outcome));
        }
        plugin.deleteSnapshot(storage, disk, ONE, false);
        assertThat(plugin.snapshots(storage, disk)).isEmpty();
    }

    /** PVE looks for them in a pool of the base image's name. */
    @Test
    void aSnapshotOfALinkedCloneIsClonedAndExported(Scratch scratch) throws IOException {
        VolumeName base = plugin.createBase(storage, make(null, MIB));
        VolumeName clone = plugin.cloneImage(storage, base, new Vmid(101), null);
        plugin.snapshotVolume(storage, clone, ONE);
        VolumeName second = plugin.cloneImage(storage, clone, new Vmid(102), ONE);
        assertThat(second.value()).isEqualTo("vm-102-disk-0");
        refused(
                StorageError.IN_USE,
                Outcome.NOT_STARTED,
                "at least 1 child",
                () -> plugin.deleteSnapshot(storage, clone, ONE, false));
        plugin.freeImage(storage, second, false, null);
        plugin.deleteSnapshot(storage, clone, ONE, false);
        assertThat(Files.size(exported(scratch, clone, AS_IT_IS))).isEqualTo(Long.BYTES + MIB);
    }

    @Test
    void anImageThatSomebodyHasOpenIsNotRemovedNorAreItsSnapshots() throws IOException {
        VolumeName disk = make(null, 64 * MIB);
        plugin.snapshotVolume(storage, disk, ONE);
        ProcessBuilder builder = new ProcessBuilder(
                        lab.ceph().programs().resolve("rbd").toString(),
                        "bench",
                        "--io-type",
                        "write",
                        "--io-total",
                        "100G",
                        "rbd/vm-100-disk-0")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(lab.ceph().environment());
        Process writer = builder.start();
        try {
            await().atMost(Duration.ofMinutes(1))
                    .until(() -> lab.rbd("status", "rbd/vm-100-disk-0").contains("watcher="));
            refused(
                    StorageError.IN_USE,
                    Outcome.NOT_STARTED,
                    "is open at 127.0.0.1",
                    () -> plugin.freeImage(storage, disk, false, null));
            assertThat(plugin.snapshots(storage, disk)).containsOnlyKeys("one");
        } finally {
            writer.destroy();
            writer.onExit().join();
        }
        await().atMost(Duration.ofMinutes(2))
                .until(() -> !lab.rbd("status", "rbd/vm-100-disk-0").contains("watcher="));
    }

    @Test
    void aNamespaceAndAPoolForDataAreUsedForEverything(Scratch scratch) throws IOException {
        lab.ceph().makePool("data");
        lab.rbd("namespace", "create", "rbd/space");
        Storage inside = lab.storage(Map.of("namespace", "space", "data-pool", "data"));
        VolumeName disk = plugin.allocImage(inside, GUEST, Image.RAW, null, ByteSize.ofBytes(4 * MIB));
        lab.write("rbd/space/vm-100-disk-0", 0, new byte[] {1, 2, 3});
        VolumeName base = plugin.createBase(inside, disk);
        VolumeName clone = plugin.cloneImage(inside, base, new Vmid(101), null);
        assertThat(listed(plugin, inside)).containsExactly("base-100-disk-0", clone.value());
        assertThat(listed(plugin, storage)).isEmpty();
        assertThat(lab.rbd("info", "rbd/space/vm-101-disk-0")).contains("data_pool: data");
        assertThat(plugin.path(inside, clone, null).path()).startsWith("rbd:rbd/space/vm-101-disk-0:");
        Path file = exported(scratch, inside, clone, AS_IT_IS);
        VolumeName arrived = imported(inside, file, "vm-102-disk-5", false);
        assertThat(lab.read("rbd/space/vm-102-disk-5", 4)).containsExactly(1, 2, 3, 0);
        assertThat(lab.rbd("info", "rbd/space/vm-102-disk-5")).contains("data_pool: data");
        // The cluster tells of a new pool a little later.
        await().atMost(Duration.ofMinutes(1))
                .until(() -> plugin.status(inside, OperationCache.create()) instanceof StorageStatus.Active);
        for (VolumeName each : List.of(arrived, clone, base)) {
            plugin.freeImage(inside, each, false, null);
        }
        assertThat(listed(plugin, inside)).isEmpty();
    }

    @Test
    void aKeyIsUsedWhereThereIsOneAndAWrongOneIsRefused(Scratch scratch) throws IOException {
        String keyring = Files.readString(lab.ceph().keyring());
        Storage keyed = lab.storage("keyed", Map.of());
        plugin.onAdd(keyed, new Secrets(Map.of("keyring", Optional.of(keyring))));
        Path kept = lab.host().etc().resolve("priv/ceph/keyed.keyring");
        assertThat(kept).hasContent(keyring.strip());
        assertThat(Files.readString(lab.host().etc().resolve("priv/ceph/keyed.conf")))
                .contains("keyring = " + kept);
        VolumeName disk = plugin.allocImage(keyed, GUEST, Image.RAW, null, ByteSize.ofBytes(MIB));
        assertThat(plugin.path(keyed, disk, null).path()).contains(":auth_supported=cephx:id=admin:keyring=" + kept);
        assertThat(listed(plugin, keyed)).containsExactly("vm-100-disk-0");
        assertThat(plugin.status(keyed, OperationCache.create())).isInstanceOf(StorageStatus.Active.class);
        String wrong = keyring.replaceFirst("key = \\S+", "key = AQAAAAAAAAAAABAAzAzAzAzAzAzAzAzAzAzAzA==");
        plugin.onUpdate(
                keyed, new ConfigChange(Map.of(), List.of(), new Secrets(Map.of("keyring", Optional.of(wrong)))));
        assertThat(kept).hasContent(wrong.strip());
        // Ceph's client goes on trying.
        RbdPlugin impatient =
                RbdLab.on(lab.ceph(), scratch, false, Duration.ofSeconds(3)).plugin();
        impatient.onAdd(keyed, new Secrets(Map.of("keyring", Optional.of(wrong))));
        assertThatThrownBy(() -> listed(impatient, keyed)).isInstanceOf(StorageException.class);
        refused(
                StorageError.BAD_PARAMETER,
                Outcome.NOT_STARTED,
                "the keyring is none of Ceph",
                () -> plugin.onAdd(
                        lab.storage("third", Map.of()), new Secrets(Map.of("keyring", Optional.of("a word")))));
        plugin.onDelete(keyed);
        assertThat(lab.host().etc().resolve("priv/ceph")).isEmptyDirectory();
    }

    @Test
    void aClusterOfPvesOwnIsReachedByItsConfiguration() throws IOException {
        Path configuration = lab.host().etc().resolve("ceph.conf");
        Files.copy(lab.ceph().configuration(), configuration);
        try {
            Storage own = Storage.of("own", "rbd", Map.of("content", "images"));
            make(null, MIB);
            assertThat(listed(plugin, own)).containsExactly("vm-100-disk-0");
            assertThat(plugin.path(own, new VolumeName("vm-100-disk-0"), null).path())
                    .isEqualTo("rbd:rbd/vm-100-disk-0:conf=" + configuration);
            Storage mapped = Storage.of("own", "rbd", Map.of("krbd", "1"));
            assertThat(plugin.path(mapped, new VolumeName("vm-100-disk-0"), ONE).path())
                    .isEqualTo(lab.host().devices() + "/rbd-pve/" + lab.ceph().fsid() + "/rbd/vm-100-disk-0@one");
        } finally {
            Files.delete(configuration);
        }
    }

    @Test
    void aMonitorThatDoesNotAnswerHangsNobody(Scratch scratch) throws IOException {
        make(null, MIB);
        RbdPlugin impatient =
                RbdLab.on(lab.ceph(), scratch, false, Duration.ofSeconds(3)).plugin();
        String monitor = Long.toString(lab.ceph().pid("mon"));
        signal("STOP", monitor);
        try {
            refused(StorageError.STORAGE_UNAVAILABLE, Outcome.NOT_STARTED, "", () -> listed(impatient, storage));
            refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.NOT_STARTED,
                    "",
                    () -> impatient.status(storage, OperationCache.create()));
            refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.NOT_STARTED,
                    "",
                    () -> impatient.activateStorage(storage, OperationCache.create()));
            refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.NOT_STARTED,
                    "",
                    () -> impatient.freeImage(storage, new VolumeName("vm-100-disk-0"), false, null));
        } finally {
            signal("CONT", monitor);
        }
        assertThat(listed(plugin, storage)).containsExactly("vm-100-disk-0");
    }

    private static void signal(String name, String pid) throws IOException {
        assertThat(new ProcessBuilder("kill", "-" + name, pid)
                        .start()
                        .onExit()
                        .join()
                        .exitValue())
                .isZero();
    }

    // ---- streams

    private Path exported(Scratch scratch, VolumeName volume, Transfer transfer) throws IOException {
        return exported(scratch, storage, volume, transfer);
    }

    private Path exported(Scratch scratch, Storage from, VolumeName volume, Transfer transfer) throws IOException {
        Path file = Files.createTempFile(scratch.root(), "exported-", "");
        try (Descriptor descriptor = Descriptor.openForWriting(file);
                DescriptorExport export = new DescriptorExport(descriptor, StreamSettings.USUAL)) {
            plugin.exportVolume(from, volume, "raw+size", transfer, export);
        }
        return file;
    }

    private VolumeName imported(Storage into, Path file, String name, boolean allowRename) throws IOException {
        try (Descriptor descriptor = Descriptor.openForReading(file);
                DescriptorImport incoming = new DescriptorImport(descriptor, StreamSettings.USUAL)) {
            return plugin.importVolume(into, new VolumeName(name), "raw+size", AS_IT_IS, allowRename, incoming)
                    .volume();
        }
    }

    @Test
    void aSnapshotLeavesAsItWasAndEveryByteArrives(Scratch scratch) throws IOException {
        VolumeName disk = make(null, 12 * MIB);
        lab.write("rbd/vm-100-disk-0", 0, new byte[] {1, 2, 3});
        lab.write("rbd/vm-100-disk-0", 9 * MIB - 2, new byte[] {4, 5, 6, 7});
        plugin.snapshotVolume(storage, disk, ONE);
        lab.write("rbd/vm-100-disk-0", 0, new byte[] {8, 8, 8, 8});
        Path now = exported(scratch, disk, AS_IT_IS);
        Path before = exported(scratch, disk, new Transfer(ONE, null, false));
        ByteBuffer stream = ByteBuffer.wrap(Files.readAllBytes(before)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(stream.limit()).isEqualTo((int) (Long.BYTES + 12 * MIB));
        assertThat(stream.getLong()).isEqualTo(12 * MIB);
        assertThat(stream.get(Long.BYTES + (int) (9 * MIB))).isEqualTo((byte) 6);
        assertThat(stream.get(Long.BYTES)).isEqualTo((byte) 1);
        assertThat(ByteBuffer.wrap(Files.readAllBytes(now)).get(Long.BYTES)).isEqualTo((byte) 8);
        assertThat(imported(storage, before, "base-101-disk-0", false).value()).isEqualTo("base-101-disk-0");
        assertThat(lab.rbd("snap", "ls", "rbd/base-101-disk-0")).contains("__base__");
        assertThat(lab.read("rbd/base-101-disk-0", 4)).containsExactly(1, 2, 3, 0);
        assertThat(imported(storage, before, "vm-100-disk-0", true).value()).isEqualTo("vm-100-disk-1");
    }

    @Test
    void whatDoesNotArriveWholeLeavesNothing(Scratch scratch) throws IOException {
        Path file = scratch.file("short");
        Files.write(file, new byte[] {0, 0, 32, 0, 0, 0, 0, 0, 1, 2, 3});
        assertThatThrownBy(() -> imported(storage, file, "vm-100-disk-0", false))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.STREAM_BROKEN));
        assertThat(lab.rbd("ls", "rbd")).isBlank();
    }

    @Test
    void aStreamThatIsLongerThanItSaysIsBroken(Scratch scratch) throws IOException {
        Path file = scratch.file("long");
        Files.write(file, new byte[] {0, 4, 0, 0, 0, 0, 0, 0});
        Files.write(file, new byte[1025], StandardOpenOption.APPEND);
        refused(
                StorageError.STREAM_BROKEN,
                Outcome.FAILED_CLEAN,
                "begins with the size 1024, and 1025 bytes came",
                () -> {
                    try {
                        imported(storage, file, "vm-100-disk-0", false);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
        assertThat(lab.rbd("ls", "rbd")).isBlank();
    }

    /** The cluster believes for a while that the killed command still has it open. */
    @Test
    void anImportThatIsCancelledLeavesNothing() throws Exception {
        try (Descriptor.Pipe pipe = Descriptor.pipe();
                DescriptorImport incoming = new DescriptorImport(pipe.read(), StreamSettings.USUAL);
                OutputStream source = Files.newOutputStream(
                        Path.of("/proc/self/fd/" + pipe.write().number()))) {
            FutureTask<VolumeId> work = new FutureTask<>(() -> plugin.importVolume(
                    storage, new VolumeName("vm-100-disk-0"), "raw+size", AS_IT_IS, false, incoming));
            Thread importing = Thread.ofPlatform().daemon().start(work);
            source.write(new byte[] {0, 0, 0, 4, 0, 0, 0, 0});
            source.write(new byte[1 << 20]);
            await().atMost(Duration.ofMinutes(2)).until(() -> isBeingImported());
            importing.interrupt();
            assertThatThrownBy(work::get).cause().isInstanceOfSatisfying(StorageException.class, e -> {
                assertThat(e.error()).as(e.getMessage()).isEqualTo(StorageError.CANCELLED);
                assertThat(e.outcome()).as(e.getMessage()).isEqualTo(Outcome.FAILED_CLEAN);
            });
        }
        assertThat(lab.rbd("ls", "rbd")).isBlank();
    }

    private boolean isBeingImported() {
        return lab.rbd("ls", "rbd")
                .lines()
                .anyMatch(name -> name.startsWith("tenon-import-")
                        && lab.rbd("status", "rbd/" + name).contains("watcher="));
    }

    // ---- what interrupted work leaves

    private Journal journal(Scratch scratch) throws IOException {
        return new Journal(Files.createDirectory(scratch.file("journal" + journals++)));
    }

    /** As an operation leaves it that ended without telling how. */
    private void interrupted(Journal journal, Mutation operation, Map<String, String> parameters) {
        journal.begin(operation, storage.id(), "rbd", parameters, Map.of())
                .endedUnknown("the machine was switched off");
    }

    private Doctor.Report repaired(Journal journal) {
        return new Doctor(journal).repair(storage, plugin, lab.host().locks().storage(storage.id(), true));
    }

    @Test
    void aBaseImageGetsTheSnapshotThatItLacks(Scratch scratch) throws IOException {
        make(null, MIB);
        lab.rbd("rename", "rbd/vm-100-disk-0", "rbd/base-100-disk-0");
        Journal journal = journal(scratch);
        interrupted(journal, Mutation.CREATE_BASE, Map.of("volume", "vm-100-disk-0"));
        Doctor.Report report = repaired(journal);
        assertThat(report.left()).isEmpty();
        assertThat(report.repaired().getFirst().kind()).isEqualTo(Finding.Kind.BASE_WRITABLE);
        assertThat(plugin.cloneImage(storage, new VolumeName("base-100-disk-0"), new Vmid(101), null)
                        .value())
                .isEqualTo("base-100-disk-0/vm-101-disk-0");
        assertThat(repaired(journal).repaired()).isEmpty();
    }

    /** It may have been made again since, and what was written then would be lost. */
    @Test
    void anInterruptedRollbackIsShownAndNotMadeAgain(Scratch scratch) throws IOException {
        VolumeName disk = make(null, 8 * MIB);
        lab.write("rbd/vm-100-disk-0", 0, new byte[] {1});
        plugin.snapshotVolume(storage, disk, ONE);
        lab.write("rbd/vm-100-disk-0", 0, new byte[] {2});
        Journal journal = journal(scratch);
        interrupted(journal, Mutation.ROLLBACK, Map.of("volume", "vm-100-disk-0", "snapshot", "one"));
        Doctor.Report report = repaired(journal);
        assertThat(report.left().getFirst().kind()).isEqualTo(Finding.Kind.UNFINISHED);
        assertThat(report.left().getFirst().what()).contains("was being rolled back to 'one'");
        assertThat(lab.read("rbd/vm-100-disk-0", 1)).containsExactly(2);
    }

    @Test
    void anUnfinishedImportIsRemovedIfTheJournalTellsOfItAndElseShown(Scratch scratch) throws IOException {
        lab.rbd("create", "--size", "1", "rbd/tenon-import-1a2b3c4d-vm-100-disk-0");
        Journal journal = journal(scratch);
        Doctor.Report unknown = repaired(journal);
        assertThat(unknown.left()).hasSize(1);
        assertThat(unknown.left().getFirst().remedy()).isInstanceOf(Finding.Remedy.ByHand.class);
        assertThat(plugin.findFreeDiskname(storage, GUEST, Image.RAW, false)).isEqualTo("vm-100-disk-1");
        interrupted(journal, Mutation.IMPORT_VOLUME, Map.of("volume", "vm-100-disk-0"));
        assertThat(repaired(journal).left()).isEmpty();
        assertThat(lab.rbd("ls", "rbd")).isBlank();
    }

    @Test
    void anImageThatIsHalfRemovedIsShownHidesNoOtherAndIsRemovedIfTheJournalTellsOfIt(Scratch scratch)
            throws IOException {
        make(null, MIB);
        make(null, MIB);
        String id = lab.rbd("info", "rbd/vm-100-disk-0").replaceAll("(?s).*id: (\\w+).*", "$1");
        lab.ceph().run("rados", "-p", "rbd", "rm", "rbd_header." + id);
        assertThat(listed(plugin, storage)).containsExactly("vm-100-disk-1");
        Journal journal = journal(scratch);
        List<Finding> left = new ArrayList<>(repaired(journal).left());
        assertThat(left).hasSize(1);
        assertThat(left.getFirst().kind()).isEqualTo(Finding.Kind.IMAGE_UNREADABLE);
        interrupted(journal, Mutation.FREE_IMAGE, Map.of("volume", "vm-100-disk-0"));
        assertThat(repaired(journal).left()).isEmpty();
        assertThat(lab.rbd("ls", "rbd").strip()).isEqualTo("vm-100-disk-1");
    }

    /** It was only looked at in the wrong moment, or somebody has mended it. */
    @Test
    void anImageThatCanBeOpenedAgainIsNotRemoved() {
        make(null, MIB);
        String header = "rbd_header." + lab.rbd("info", "rbd/vm-100-disk-0").replaceAll("(?s).*id: (\\w+).*", "$1");
        lab.ceph().run("rados", "-p", "rbd", "cp", header, "kept");
        lab.ceph().run("rados", "-p", "rbd", "rm", header);
        assertThat(listed(plugin, storage)).isEmpty();
        Interruption removal =
                new Interruption("1", Mutation.FREE_IMAGE, new VolumeName("vm-100-disk-0"), null, Map.of(), Map.of());
        Finding.Remedy remedy = plugin.examinable()
                .orElseThrow()
                .examine(storage, List.of(removal))
                .getFirst()
                .remedy();
        lab.ceph().run("rados", "-p", "rbd", "cp", "kept", header);
        lab.ceph().run("rados", "-p", "rbd", "rm", "kept");
        assertThat(remedy)
                .isInstanceOfSatisfying(
                        Finding.Remedy.Automatic.class,
                        automatic ->
                                refused(StorageError.IN_USE, Outcome.NOT_STARTED, "is there again", automatic.work()));
        assertThat(listed(plugin, storage)).containsExactly("vm-100-disk-0");
    }
}
