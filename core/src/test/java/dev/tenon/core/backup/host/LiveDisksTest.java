package dev.tenon.core.backup.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.backup.nbd.NbdException;
import dev.tenon.core.command.Command;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.qemu.Qmp;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.DeviceName;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Disks of programs that run and go on writing. */
@SuppressWarnings("NullAway") // what is missing fails the test
class LiveDisksTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 64 * MIB;
    private static final DeviceName DEVICE = new DeviceName("drive-scsi0");
    private static final StorageId STORAGE = new StorageId("vault");
    private static final String BITMAP = "snapshot-access:vault";

    @TempDir
    Path directory;

    private Path image = Path.of("");

    @BeforeEach
    void make() throws IOException {
        image = directory.resolve("disk.raw");
        byte[] data = new byte[8 * MIB];
        new Random(9).nextBytes(data);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE);
            file.write(data);
        }
    }

    private RunningGuest start(RunningGuest.Kind kind) throws IOException {
        assumeTrue(
                kind == RunningGuest.Kind.QEMU || (Files.exists(Path.of("/dev/fuse")) && EffectiveUser.id() == 0),
                "a FUSE export needs /dev/fuse and root");
        return new RunningGuest(kind, Files.createDirectory(directory.resolve("guest")), image);
    }

    private LiveDisks open(RunningGuest guest, WorkDirectory work) throws IOException {
        return LiveDisks.open(
                work, guest.monitor(), STORAGE, work.directory("fleecing"), Map.of(DEVICE, RunningGuest.NODE));
    }

    private WorkDirectory work() throws IOException {
        return WorkDirectory.make(directory.resolve("run"));
    }

    @ParameterizedTest
    @EnumSource
    void backupsTellAPointInTimeAndTheNextOneWhatChangedSince(RunningGuest.Kind kind) throws IOException {
        try (RunningGuest guest = start(kind)) {
            byte[] first = guest.content();
            byte[] copy = new byte[SIZE];
            try (WorkDirectory work = work();
                    LiveDisks disks = open(guest, work)) {
                assertThat(disks.sizes().get(DEVICE).bytes()).isEqualTo(SIZE);
                BackupDisk disk = disks.show(Map.of(DEVICE, BitmapUse.USE)).get(DEVICE);
                assertThat(disk.bitmap()).as("there was none to use").isEqualTo(BitmapMode.NEW);
                guest.write(7, MIB, 2 * MIB);
                guest.write(8, 40L * MIB, 4096);
                Disks.assertWholeIsDirty(disk);
                assertThat(Disks.read(disk, copy)).hasSize(64);
                assertThat(copy).isEqualTo(first);
                disks.committed();
            }
            assertThat(guest.things()).containsExactlyInAnyOrderElementsOf(guest.thingsWithout(BITMAP));

            guest.write(9, 50L * MIB, 4096);
            byte[] second = guest.content();
            try (WorkDirectory work = work();
                    LiveDisks disks = open(guest, work)) {
                BackupDisk disk = disks.show(Map.of(DEVICE, BitmapUse.USE)).get(DEVICE);
                assertThat(disk.bitmap()).isEqualTo(BitmapMode.REUSE);
                guest.write(10, 50L * MIB, 4096);
                guest.write(11, 0, 4096);
                assertThat(Disks.read(disk, copy).keySet())
                        .as("three blocks of 4 MiB")
                        .containsExactlyInAnyOrder(0L, 1L, 2L, 3L, 40L, 41L, 42L, 43L, 48L, 49L, 50L, 51L);
                assertThat(copy).isEqualTo(second);
            }
            assertThat(guest.things())
                    .as("it was not committed")
                    .containsExactlyInAnyOrderElementsOf(guest.thingsWithout(BITMAP));

            byte[] third = guest.content();
            try (WorkDirectory work = work();
                    LiveDisks disks = open(guest, work)) {
                BackupDisk disk = disks.show(Map.of(DEVICE, BitmapUse.USE)).get(DEVICE);
                assertThat(Disks.read(disk, copy)).hasSize(12);
                assertThat(copy).isEqualTo(third);
                disks.committed();
            }
            try (WorkDirectory work = work();
                    LiveDisks disks = open(guest, work)) {
                BackupDisk disk = disks.show(Map.of(DEVICE, BitmapUse.USE)).get(DEVICE);
                assertThat(Disks.read(disk, copy))
                        .as("nothing was written since")
                        .isEmpty();
                disks.committed();
            }
            try (WorkDirectory work = work();
                    LiveDisks disks = open(guest, work)) {
                assertThat(disks.show(Map.of()).get(DEVICE).bitmap()).isEqualTo(BitmapMode.NONE);
            }
            assertThat(guest.things())
                    .as("a disk that is not named loses its bitmap")
                    .containsExactlyInAnyOrderElementsOf(guest.thingsWithout());
        }
    }

    @ParameterizedTest
    @EnumSource
    void anUnusableNameIsToldAndNothingIsLeft(RunningGuest.Kind kind) throws IOException {
        try (RunningGuest guest = start(kind);
                WorkDirectory work = work()) {
            Path fleecing = work.directory("fleecing");
            assertThatThrownBy(() ->
                            LiveDisks.open(work, guest.monitor(), STORAGE, fleecing, Map.of(DEVICE, "no-such-node")))
                    .hasMessage("QEMU has no block node 'no-such-node'; it has [disk0]");
            try (LiveDisks disks = LiveDisks.open(
                    work, guest.monitor(), STORAGE, work.resolve("missing"), Map.of(DEVICE, RunningGuest.NODE))) {
                assertThatThrownBy(() -> disks.show(Map.of(DEVICE, BitmapUse.NEW)))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("missing");
            }
            assertThat(guest.things()).containsExactlyInAnyOrderElementsOf(guest.thingsWithout());
        }
    }

    /** The work of a process that is killed while a provider reads, and what the next one makes of it. */
    static final class Killed {
        private Killed() {}

        public static void main(String[] args) throws Exception {
            WorkDirectory work = WorkDirectory.make(Path.of(args[0]));
            LiveDisks disks = LiveDisks.open(
                    work, Path.of(args[1]), STORAGE, Path.of(args[2]), Map.of(DEVICE, RunningGuest.NODE));
            disks.show(Map.of(DEVICE, BitmapUse.USE));
            Files.createFile(work.path().getParent().resolve("ready"));
            Thread.currentThread().join();
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatAKilledBackupLeftGoesWithTheNextOneAndNoChangeIsLost(RunningGuest.Kind kind) throws Exception {
        try (RunningGuest guest = start(kind)) {
            byte[] copy = new byte[SIZE];
            try (WorkDirectory work = work();
                    LiveDisks disks = open(guest, work)) {
                Disks.read(disks.show(Map.of(DEVICE, BitmapUse.NEW)).get(DEVICE), copy);
                disks.committed();
            }
            guest.write(5, 20L * MIB, 4096);
            Path fleecing = Files.createDirectory(directory.resolve("fleecing"));
            Process killed = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "--enable-native-access=ALL-UNNAMED",
                            "-XX:TieredStopAtLevel=1",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Killed.class.getName(),
                            directory.resolve("run").toString(),
                            guest.monitor().toString(),
                            fleecing.toString())
                    .inheritIO()
                    .start();
            await().atMost(Disks.LIMIT).until(() -> {
                assertThat(killed.isAlive()).isTrue();
                return Files.exists(directory.resolve("run/ready"));
            });
            guest.write(6, 30L * MIB, 4096);
            killed.destroyForcibly().waitFor();
            assertThat(guest.things()).anyMatch(name -> name.startsWith("tenon-"));

            byte[] now = guest.content();
            try (WorkDirectory work = work();
                    LiveDisks disks = LiveDisks.open(
                            work, guest.monitor(), STORAGE, fleecing, Map.of(DEVICE, RunningGuest.NODE))) {
                BackupDisk disk = disks.show(Map.of(DEVICE, BitmapUse.USE)).get(DEVICE);
                assertThat(disk.bitmap()).isEqualTo(BitmapMode.REUSE);
                assertThat(Disks.read(disk, copy).keySet())
                        .containsExactlyInAnyOrder(20L, 21L, 22L, 23L, 28L, 29L, 30L, 31L);
                assertThat(copy).isEqualTo(now);
                disks.committed();
            }
            assertThat(guest.things()).containsExactlyInAnyOrderElementsOf(guest.thingsWithout(BITMAP));
            assertThat(fleecing).isEmptyDirectory();
            try (var left = Files.list(directory.resolve("run"))) {
                assertThat(left.map(Path::getFileName).map(Path::toString)).containsExactly("ready");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = "QEMU")
    void aFleecingImageThatIsFullFailsTheBackupAndNotTheGuest(RunningGuest.Kind kind) throws Exception {
        assumeTrue(EffectiveUser.id() == 0, "a small file system needs root");
        Path small = Files.createDirectory(directory.resolve("small"));
        Command.of("mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", small.toString())
                .run();
        try (RunningGuest guest = start(kind);
                WorkDirectory work = work()) {
            try (LiveDisks disks =
                    LiveDisks.open(work, guest.monitor(), STORAGE, small, Map.of(DEVICE, RunningGuest.NODE))) {
                BackupDisk disk = disks.show(Map.of(DEVICE, BitmapUse.NEW)).get(DEVICE);

                guest.write(1, 0, 8 * MIB);

                assertThatThrownBy(() -> Disks.read(disk, new byte[SIZE])).isInstanceOf(NbdException.class);
            }
            assertThat(guest.content()).startsWith(1, 1, 1, 1);
            assertThat(guest.things()).containsExactlyInAnyOrderElementsOf(guest.thingsWithout());
        } finally {
            Command.of("umount", small.toString()).run();
        }
    }

    /** A bitmap that could not be joined with what was written meanwhile would miss it. */
    @ParameterizedTest
    @EnumSource
    void aBitmapThatLostSomethingIsForgotten(RunningGuest.Kind kind) throws IOException {
        try (RunningGuest guest = start(kind)) {
            for (int i = 0; i < 2; i++) {
                try (WorkDirectory work = work();
                        LiveDisks disks = open(guest, work)) {
                    BackupDisk disk = disks.show(Map.of(DEVICE, BitmapUse.USE)).get(DEVICE);
                    if (i == 0) {
                        disks.committed();
                        continue;
                    }
                    assertThat(disk.bitmap()).isEqualTo(BitmapMode.REUSE);
                    try (Qmp other = guest.ownMonitor()) {
                        other.execute(
                                "block-dirty-bitmap-remove",
                                Map.of("node", RunningGuest.NODE, "name", "tenon-meanwhile:" + BITMAP));
                    }
                    assertThatThrownBy(disks::committed)
                            .isInstanceOf(IOException.class)
                            .hasMessageContaining("the bitmap of disk 'drive-scsi0'");
                }
            }
            assertThat(guest.things()).containsExactlyInAnyOrderElementsOf(guest.thingsWithout());
            try (WorkDirectory work = work();
                    LiveDisks disks = open(guest, work)) {
                assertThat(disks.show(Map.of(DEVICE, BitmapUse.USE)).get(DEVICE).bitmap())
                        .isEqualTo(BitmapMode.NEW);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    @SuppressWarnings("try") // the guest ends before its block does
    void aGuestThatEndsFailsTheBackup(RunningGuest.Kind kind) throws Exception {
        try (RunningGuest guest = start(kind);
                WorkDirectory work = work();
                LiveDisks disks = open(guest, work)) {
            BackupDisk disk = disks.show(Map.of(DEVICE, BitmapUse.NEW)).get(DEVICE);
            guest.close();
            assertThatThrownBy(() -> Disks.at(disk, 0)).isInstanceOf(NbdException.class);
            assertThatThrownBy(disks::committed).isInstanceOf(IOException.class);
        }
    }

    /** Stands between a backup and its QEMU, and interrupts the backup when it stops the guest. */
    private static final class Between implements AutoCloseable {
        private static final Duration LIMIT = Duration.ofMinutes(1);

        private final ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        private final Path monitor;
        private final Thread backup = Thread.currentThread();
        private final Thread thread;

        Between(Path socket, Path monitor) throws IOException {
            this.monitor = monitor;
            listener.bind(UnixDomainSocketAddress.of(socket));
            thread = Thread.ofPlatform().start(this::serve);
        }

        private void serve() {
            while (true) {
                try (SocketChannel client = listener.accept();
                        SocketChannel qemu = SocketChannel.open(UnixDomainSocketAddress.of(monitor))) {
                    Thread answers = Thread.ofPlatform().start(() -> copy(qemu, client));
                    copy(client, qemu);
                    qemu.shutdownOutput();
                    answers.join();
                } catch (IOException | InterruptedException e) {
                    return; // the test ends
                }
            }
        }

        private void copy(SocketChannel from, SocketChannel to) {
            try {
                ByteBuffer buffer = ByteBuffer.allocate(64 << 10);
                while (from.read(buffer) >= 0) {
                    buffer.flip();
                    if (StandardCharsets.UTF_8
                            .decode(buffer.duplicate())
                            .toString()
                            .contains("\"stop\"")) {
                        backup.interrupt();
                    }
                    while (buffer.hasRemaining()) {
                        to.write(buffer);
                    }
                    buffer.clear();
                }
            } catch (IOException e) {
                // one of them has gone
            }
        }

        @Override
        public void close() throws IOException {
            listener.close();
            assertThat(joined(thread)).isTrue();
        }

        private static boolean joined(Thread thread) {
            try {
                return thread.join(LIMIT);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
    }

    /** The program that the backup is part of is told to end, at the worst moment. */
    @ParameterizedTest
    @EnumSource(names = "QEMU")
    void aGuestGoesOnWhenItsBackupIsInterruptedWhileItIsStopped(RunningGuest.Kind kind) throws Exception {
        try (RunningGuest guest = start(kind)) {
            Path socket = directory.resolve("between.qmp");
            boolean wasInterrupted;
            try (WorkDirectory work = work();
                    Between _ = new Between(socket, guest.monitor())) {
                try (LiveDisks disks = LiveDisks.open(
                        work, socket, STORAGE, work.directory("fleecing"), Map.of(DEVICE, RunningGuest.NODE))) {
                    assertThatThrownBy(() -> disks.show(Map.of(DEVICE, BitmapUse.NEW)))
                            .hasMessageContaining("was interrupted");
                } finally {
                    wasInterrupted = Thread.interrupted();
                }
            }
            assertThat(wasInterrupted).isTrue();
            assertThat(guest.things()).contains("running");
            try (WorkDirectory work = work();
                    LiveDisks disks = open(guest, work)) {
                assertThat(disks.sizes()).containsOnlyKeys(DEVICE);
            }
        }
    }
}
