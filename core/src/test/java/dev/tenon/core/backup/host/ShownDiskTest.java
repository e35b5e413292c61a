package dev.tenon.core.backup.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.backup.nbd.FileDisk;
import dev.tenon.core.backup.nbd.ServedDisk;
import dev.tenon.core.command.Command;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.linux.MountTable;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ShownDiskTest {
    private static final int MIB = 1 << 20;
    private static final long SIZE = 256L * MIB;

    @TempDir
    Path directory;

    private Path image = Path.of("");

    @BeforeEach
    void make() throws IOException {
        image = directory.resolve("disk.raw");
        byte[] data = new byte[4 * MIB];
        new Random(3).nextBytes(data);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE);
            file.seek(100L * MIB);
            file.write(data);
        }
    }

    private static void require(ShownDisk.Way way) {
        assumeTrue(EffectiveUser.id() == 0, "mounts and devices need root");
        switch (way) {
            case STORAGE_DAEMON, NBDFUSE -> assumeTrue(Files.exists(Path.of("/dev/fuse")), "there is no /dev/fuse");
            case DEVICE -> assumeTrue(Files.exists(Path.of("/dev/nbd0")), "the module nbd is not loaded here");
        }
    }

    private static List<Path> mounts(Path below) throws IOException {
        return MountTable.below(below);
    }

    @ParameterizedTest
    @EnumSource
    void qemuImgReadsItAsARawImage(ShownDisk.Way way) throws IOException {
        require(way);
        Path copy = directory.resolve("copy.raw");
        try (WorkDirectory work = WorkDirectory.make(directory.resolve("run"));
                FileDisk disk = FileDisk.open(image, false, Map.of())) {
            try (ShownDisk shown = ShownDisk.show(work, "drive-scsi0", disk, List.of(way))) {
                Command.of(
                                "qemu-img",
                                "convert",
                                "-f",
                                "raw",
                                "-O",
                                "raw",
                                shown.path().toString(),
                                copy.toString())
                        .run();
                String map = Command.of(
                                "qemu-img", "map", "-f", "raw", shown.path().toString())
                        .run();
                assertThat(map.lines().count())
                        .as("a way that knows holes: the header and one line")
                        .isEqualTo(
                                way == ShownDisk.Way.STORAGE_DAEMON
                                        ? 2
                                        : map.lines().count());
                assertThat(Command.of(
                                        "qemu-io",
                                        "-f",
                                        "raw",
                                        "-c",
                                        "write 0 4k",
                                        shown.path().toString())
                                .end()
                                .exitCode())
                        .as("nobody writes to an archive")
                        .isNotZero();
            }
            assertThat(mounts(work.path())).isEmpty();
        }
        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
        assertThat(directory.resolve("run")).isEmptyDirectory();
    }

    @Test
    void aChunkThatIsLostFailsTheCopyAndIsNoZeroes() throws IOException {
        require(ShownDisk.Way.STORAGE_DAEMON);
        ServedDisk broken = new ServedDisk() {
            @Override
            public long size() {
                return 8L * MIB;
            }

            @Override
            public void read(long offset, ByteBuffer into) throws IOException {
                if (offset + into.remaining() > 4L * MIB) {
                    throw new IOException("the chunk is lost");
                }
                into.position(into.limit());
            }
        };
        try (WorkDirectory work = WorkDirectory.make(directory.resolve("run"));
                ShownDisk shown = ShownDisk.show(work, "d", broken)) {
            assertThat(Command.of(
                                    "qemu-img",
                                    "convert",
                                    "-f",
                                    "raw",
                                    "-O",
                                    "raw",
                                    shown.path().toString(),
                                    directory.resolve("copy").toString())
                            .end()
                            .exitCode())
                    .isNotZero();
        }
    }

    @Test
    void withoutAnyWayItSaysWhatIsMissing() throws IOException {
        try (WorkDirectory work = WorkDirectory.make(directory.resolve("run"));
                FileDisk disk = FileDisk.open(image, false, Map.of())) {
            assertThatThrownBy(() -> ShownDisk.show(work, "d", disk, List.of()))
                    .isInstanceOfSatisfying(
                            StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.NOT_SUPPORTED))
                    .hasMessageContaining("install qemu-storage-daemon or nbdfuse");
            assertThat(work.resolve("d.sock")).doesNotExist();
        }
    }

    /** A process that shows a disk until it is killed. */
    static final class Killed {
        private Killed() {}

        public static void main(String[] args) throws Exception {
            WorkDirectory work = WorkDirectory.make(Path.of(args[0]));
            FileDisk disk = FileDisk.open(Path.of(args[1]), false, Map.of());
            ShownDisk shown = ShownDisk.show(work, "d", disk, List.of(ShownDisk.Way.valueOf(args[2])));
            Files.writeString(Path.of(args[0]).resolve("ready"), shown.path() + "\n");
            Thread.currentThread().join();
        }
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsLeftOfAProcessThatIsKilled(ShownDisk.Way way) throws Exception {
        require(way);
        Path run = directory.resolve("run");
        Process killed = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Killed.class.getName(),
                        run.toString(),
                        image.toString(),
                        way.name())
                .inheritIO()
                .start();
        await().atMost(Disks.LIMIT).until(() -> {
            assertThat(killed.isAlive()).isTrue();
            return Files.exists(run.resolve("ready"))
                    && Files.readString(run.resolve("ready")).endsWith("\n");
        });

        killed.destroyForcibly().waitFor();

        await().atMost(Disks.LIMIT).until(() -> mounts(run).isEmpty());
        WorkDirectory.make(run).close();
        try (var left = Files.list(run)) {
            assertThat(left.map(Path::getFileName).map(Path::toString)).containsExactly("ready");
        }
    }

    @Test
    void aDaemonThatIsKilledLeavesNoMount() throws Exception {
        require(ShownDisk.Way.STORAGE_DAEMON);
        try (WorkDirectory work = WorkDirectory.make(directory.resolve("run"));
                FileDisk disk = FileDisk.open(image, false, Map.of())) {
            try (ShownDisk shown = ShownDisk.show(work, "d", disk, List.of(ShownDisk.Way.STORAGE_DAEMON))) {
                List<ProcessHandle> daemons = ProcessHandle.current()
                        .descendants()
                        .filter(process -> process.info()
                                .arguments()
                                .filter(words -> List.of(words).contains("--export") && !words[0].equals("-c"))
                                .isPresent())
                        .toList();
                assertThat(daemons).hasSize(1);
                daemons.getFirst().destroyForcibly();
                await().atMost(Disks.LIMIT).until(() -> !daemons.getFirst().isAlive());
                assertThat(mounts(work.path())).as("the kernel keeps it").contains(shown.path());
            }
            assertThat(mounts(work.path())).isEmpty();
        }
    }
}
