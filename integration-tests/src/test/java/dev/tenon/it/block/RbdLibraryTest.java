package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.Rados;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.it.support.Scratch;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** What librados tells is what the commands tell. */
@TestInstance(Lifecycle.PER_CLASS)
class RbdLibraryTest {
    private static final Vmid GUEST = new Vmid(100);

    private final RbdLab lab;
    private final StoragePlugin byCommands;
    private final StoragePlugin byLibrary;
    private final StoragePlugin impatient;

    RbdLibraryTest(Scratch scratch) {
        lab = RbdLab.start(scratch);
        lab.loadLibrary();
        byCommands = lab.plugin();
        byLibrary = RbdLab.on(lab.ceph(), scratch, true, Duration.ofMinutes(2)).plugin();
        impatient = RbdLab.on(lab.ceph(), scratch, true, Duration.ofSeconds(4)).plugin();
    }

    private static List<VolumeInfo> listed(StoragePlugin plugin, Storage storage) {
        return plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                .sorted(Comparator.comparing(image -> image.volid().toString()))
                .toList();
    }

    private void same(Storage storage, int count) {
        assertThat(listed(byLibrary, storage)).hasSize(count).isEqualTo(listed(byCommands, storage));
    }

    @Test
    void imagesAndTheirParentsAreListedAsByTheCommand() {
        Storage storage = lab.storage(Map.of());
        same(storage, 0);
        VolumeName base = byCommands.createBase(
                storage, byCommands.allocImage(storage, GUEST, Image.RAW, null, ByteSize.ofBytes(3 << 20)));
        VolumeName disk = byCommands.allocImage(storage, GUEST, Image.RAW, null, ByteSize.ofBytes(5 << 20));
        byCommands.snapshotVolume(storage, disk, new SnapshotName("one"));
        byCommands.cloneImage(storage, base, new Vmid(101), null);
        byCommands.cloneImage(storage, disk, new Vmid(102), new SnapshotName("one"));
        same(storage, 4);
        lab.rbd("namespace", "create", "rbd/space");
        Storage inside = lab.storage(Map.of("namespace", "space"));
        byCommands.allocImage(inside, GUEST, Image.RAW, null, ByteSize.ofBytes(1 << 20));
        same(inside, 1);
        // Its parent is elsewhere, where one listing does not look.
        lab.ceph().makePool("other");
        lab.rbd("clone", "rbd/base-100-disk-0@__base__", "other/vm-103-disk-0");
        Storage other = lab.storage(Map.of("pool", "other"));
        same(other, 1);
        assertThat(listed(byLibrary, other).getLast().parent()).isEqualTo("base-100-disk-0@__base__");
    }

    /** Whatever is in them, and also where only rbd itself reads. */
    @Test
    void imagesLeaveAsTheCommandLetsThemLeave(Scratch scratch) throws IOException {
        Storage storage = lab.storage(Map.of("pool", "streams"));
        lab.ceph().makePool("streams");
        VolumeName disk = byCommands.allocImage(storage, GUEST, Image.RAW, null, ByteSize.ofBytes(21 << 20));
        lab.write("streams/vm-100-disk-0", 0, new byte[] {1, 2, 3});
        lab.write("streams/vm-100-disk-0", (9 << 20) - 5, new byte[3 << 20]);
        lab.write("streams/vm-100-disk-0", (13 << 20) - 1, new byte[] {4, 5, 6});
        VolumeName base = byCommands.createBase(storage, disk);
        VolumeName clone = byCommands.cloneImage(storage, base, new Vmid(101), null);
        lab.write("streams/vm-101-disk-0", (21 << 20) - 2, new byte[] {7, 8});
        byCommands.snapshotVolume(storage, clone, new SnapshotName("one"));
        lab.write("streams/vm-101-disk-0", 0, new byte[] {9});
        for (Transfer transfer :
                List.of(new Transfer(null, null, false), new Transfer(new SnapshotName("one"), null, false))) {
            byte[] ofLibrary = exported(scratch, byLibrary, storage, clone, transfer);
            assertThat(ofLibrary).hasSize(Long.BYTES + (21 << 20));
            assertThat(Arrays.equals(ofLibrary, exported(scratch, byCommands, storage, clone, transfer)))
                    .isTrue();
        }
    }

    private static byte[] exported(
            Scratch scratch, StoragePlugin plugin, Storage storage, VolumeName volume, Transfer transfer)
            throws IOException {
        Path file = Files.createTempFile(scratch.root(), "exported-", "");
        try (Descriptor descriptor = Descriptor.openForWriting(file);
                DescriptorExport export = new DescriptorExport(descriptor, StreamSettings.USUAL)) {
            plugin.exportVolume(storage, volume, "raw+size", transfer, export);
        }
        return Files.readAllBytes(file);
    }

    @Test
    void theUseOfThePoolIsThatOfTheCommand() {
        Storage storage = lab.storage(Map.of());
        // The cluster counts again every few seconds.
        await().atMost(Duration.ofMinutes(2)).untilAsserted(() -> {
            StorageStatus expected = byCommands.status(storage, OperationCache.create());
            assertThat(expected).isInstanceOf(StorageStatus.Active.class);
            assertThat(byLibrary.status(storage, OperationCache.create())).isEqualTo(expected);
        });
    }

    /** An answer is longer than what the library gives it room for. */
    @Test
    void aSnapshotWithALongNameIsTheParentOfItsClone() {
        lab.ceph().makePool("long");
        Storage storage = lab.storage(Map.of("pool", "long"));
        String snapshot = "x".repeat(3000);
        byCommands.allocImage(storage, GUEST, Image.RAW, null, ByteSize.ofBytes(1 << 20));
        lab.rbd("snap", "create", "--no-progress", "long/vm-100-disk-0@" + snapshot);
        lab.rbd("snap", "protect", "long/vm-100-disk-0@" + snapshot);
        lab.rbd("clone", "long/vm-100-disk-0@" + snapshot, "long/vm-101-disk-0");
        same(storage, 2);
        assertThat(listed(byLibrary, storage).getLast().parent()).isEqualTo("vm-100-disk-0@" + snapshot);
    }

    /** More than one page, whose ends are not UTF-8. */
    @Test
    void aDirectoryWithNamesThatAreNoTextIsReadToItsEnd() throws IOException {
        lab.ceph().makePool("strange");
        Storage storage = lab.storage(Map.of("pool", "strange"));
        byCommands.allocImage(storage, GUEST, Image.RAW, null, ByteSize.ofBytes(1 << 20));
        List<Rados.Call> calls = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            String number = String.format(Locale.ROOT, "%04d", i);
            byte[] name = ("\u00ff" + number).getBytes(StandardCharsets.ISO_8859_1);
            byte[] id = number.getBytes(StandardCharsets.ISO_8859_1);
            ByteBuffer input = ByteBuffer.allocate(2 * Integer.BYTES + name.length + id.length)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(name.length)
                    .put(name)
                    .putInt(id.length)
                    .put(id)
                    .flip();
            calls.add(new Rados.Call("rbd_directory", "rbd", "dir_add_image", input));
        }
        try (Rados cluster = Rados.connect("admin", lab.ceph().configuration(), Map.of());
                Rados.Pool pool = cluster.pool("strange", "")) {
            assertThat(pool.call(calls, 16)).hasSize(600).allMatch(result -> result.status() == 0);
        }
        // Those that are nothing but a name are being made or removed.
        assertThat(listed(byLibrary, storage)).hasSize(1);
    }

    @Test
    void anExportIsBrokenByItsReaderAndCancelledByItsCaller() throws Exception {
        lab.ceph().makePool("leaving");
        Storage storage = lab.storage(Map.of("pool", "leaving"));
        VolumeName disk = byCommands.allocImage(storage, GUEST, Image.RAW, null, ByteSize.ofBytes(64 << 20));
        for (StorageError error : List.of(StorageError.STREAM_BROKEN, StorageError.CANCELLED)) {
            try (Descriptor.Pipe pipe = Descriptor.pipe();
                    DescriptorExport export = new DescriptorExport(pipe.write(), StreamSettings.USUAL)) {
                FutureTask<Boolean> work = new FutureTask<>(
                        () -> byLibrary.exportVolume(
                                storage, disk, "raw+size", new Transfer(null, null, false), export),
                        true);
                Thread exporting = Thread.ofPlatform().daemon().start(work);
                try (InputStream reader = Files.newInputStream(
                        Path.of("/proc/self/fd/" + pipe.read().number()))) {
                    assertThat(reader.readNBytes(1 << 20)).hasSize(1 << 20);
                    if (error == StorageError.CANCELLED) {
                        exporting.interrupt();
                        assertThatThrownBy(work::get).cause().satisfies(e -> failedCleanly(e, error));
                    }
                    pipe.read().close();
                }
                assertThatThrownBy(work::get).cause().satisfies(e -> failedCleanly(e, error));
            }
        }
    }

    private static void failedCleanly(Throwable failure, StorageError error) {
        assertThat(failure).isInstanceOfSatisfying(StorageException.class, e -> {
            assertThat(e.error()).as(e.getMessage()).isEqualTo(error);
            assertThat(e.outcome()).as(e.getMessage()).isEqualTo(Outcome.FAILED_CLEAN);
        });
    }

    @Test
    void aPoolThatIsMissingIsUnavailable() {
        assertThatThrownBy(() -> listed(byLibrary, lab.storage(Map.of("pool", "nowhere"))))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.STORAGE_UNAVAILABLE));
    }

    @Test
    void aMonitorAndAnOsdThatDoNotAnswerHangNobody() throws IOException {
        Storage storage = lab.storage(Map.of());
        await().atMost(Duration.ofMinutes(2)).ignoreExceptions().until(() -> listed(impatient, storage) != null);
        for (String daemon : List.of("mon", "osd")) {
            String pid = Long.toString(lab.ceph().pid(daemon));
            signal("STOP", pid);
            try {
                Optional<StorageError> error = Optional.empty();
                try {
                    if (daemon.equals("mon")) {
                        impatient.status(storage, OperationCache.create());
                    } else {
                        listed(impatient, storage);
                    }
                } catch (StorageException e) {
                    error = Optional.of(e.error());
                }
                assertThat(error).as(daemon).contains(StorageError.STORAGE_UNAVAILABLE);
            } finally {
                signal("CONT", pid);
            }
        }
        List<VolumeInfo> expected = listed(byCommands, storage);
        await().atMost(Duration.ofMinutes(2))
                .ignoreExceptions()
                .untilAsserted(() -> assertThat(listed(impatient, storage)).isEqualTo(expected));
    }

    /** Who has a connection needs no monitor, and one who waits for a connection has nobody else wait. */
    @Test
    void aStoppedMonitorDelaysNobodyWhoNeedsNone(Scratch scratch) throws Exception {
        Storage storage = lab.storage(Map.of());
        List<VolumeInfo> expected = listed(byLibrary, storage);
        StoragePlugin newcomer =
                RbdLab.on(lab.ceph(), scratch, true, Duration.ofMinutes(3)).plugin();
        FutureTask<List<VolumeInfo>> waiting = new FutureTask<>(() -> listed(newcomer, storage));
        String pid = Long.toString(lab.ceph().pid("mon"));
        signal("STOP", pid);
        try {
            Thread connecting = Thread.ofPlatform().daemon().start(waiting);
            await().atMost(Duration.ofMinutes(2)).until(() -> connecting.getState() == Thread.State.TIMED_WAITING);
            assertThat(listed(byLibrary, storage)).isEqualTo(expected);
            assertThat(waiting).isNotDone();
        } finally {
            signal("CONT", pid);
        }
        assertThat(waiting.get()).isEqualTo(expected);
    }

    /** A process ends with its connections as they are, whatever has become of the cluster. */
    @Test
    void aProcessThatHasReadEndsWithAndWithoutAMonitor(Scratch scratch) throws Exception {
        for (boolean isStopped : new boolean[] {false, true}) {
            Path errors = scratch.file("reader-" + isStopped);
            ProcessBuilder builder = new ProcessBuilder(List.of(
                            System.getProperty("java.home") + "/bin/java",
                            "--enable-native-access=ALL-UNNAMED",
                            "-XX:+UseSerialGC",
                            "-XX:TieredStopAtLevel=1",
                            "-XX:ErrorFile=" + scratch.file("crash"),
                            "-cp",
                            System.getProperty("java.class.path"),
                            RbdReader.class.getName(),
                            lab.host().programs().toString(),
                            scratch.root().toString(),
                            lab.ceph().monitor()))
                    .redirectError(errors.toFile());
            String libraries = lab.ceph().libraries().toString();
            builder.environment().put("LD_LIBRARY_PATH", libraries + ":" + libraries + "/ceph");
            Process process = builder.start();
            String pid = Long.toString(lab.ceph().pid("mon"));
            try (BufferedReader said = process.inputReader(StandardCharsets.UTF_8)) {
                assertThat(said.readLine()).as(Files.readString(errors)).endsWith(" images");
                if (isStopped) {
                    signal("STOP", pid);
                }
                process.getOutputStream().close();
                assertThat(process.waitFor(2, TimeUnit.MINUTES))
                        .as("it has ended")
                        .isTrue();
                assertThat(process.exitValue()).as(Files.readString(errors)).isZero();
            } finally {
                signal("CONT", pid);
                process.destroyForcibly();
            }
        }
    }

    @Test
    void aConnectionIsClosedThoughTheMonitorIsStopped() throws Exception {
        Rados cluster = Rados.connect("admin", lab.ceph().configuration(), Map.of());
        FutureTask<Boolean> closing = new FutureTask<>(cluster::close, true);
        String pid = Long.toString(lab.ceph().pid("mon"));
        signal("STOP", pid);
        try {
            Thread.ofPlatform().daemon().start(closing);
            assertThat(closing.get(2, TimeUnit.MINUTES)).isTrue();
        } finally {
            signal("CONT", pid);
        }
    }

    private static void signal(String name, String pid) throws IOException {
        assertThat(new ProcessBuilder("kill", "-" + name, pid)
                        .start()
                        .onExit()
                        .join()
                        .exitValue())
                .isZero();
    }
}
