package dev.tenon.core.backup.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.command.Command;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Our server, asked by the clients of others. */
class NbdServerTest {
    private static final int SIZE = 40_000_123;
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    private Path image = Path.of("");
    private FileDisk disk;
    private NbdServer server;

    @BeforeEach
    void serve() throws IOException {
        image = Peers.image(directory.resolve("disk.raw"), SIZE, 1);
        BitSet dirty = new BitSet();
        dirty.set(0);
        dirty.set(3, 6);
        disk = FileDisk.open(
                image, false, Map.of(Extent.DIRTY_BITMAP + "of:today", new DirtyBitmap(SIZE, 1 << 22, dirty)));
        server = NbdServer.listen(directory.resolve("nbd.sock"), Map.of("disk", disk));
    }

    @AfterEach
    void end() throws IOException {
        server.close();
        disk.close();
        assertThat(server.socket()).doesNotExist();
    }

    private String uri() {
        return Peers.uri(server.socket(), "disk");
    }

    @Test
    void tellsLibnbdWhatItServes() {
        String told = Peers.run("nbdinfo", "--json", uri());

        assertThat(told)
                .contains("\"export-size\": " + SIZE, "\"is_read_only\": true", "\"can_multi_conn\": true")
                .contains("base:allocation", "qemu:dirty-bitmap:of:today");
        assertThat(Peers.run("nbdinfo", "--list", Peers.uri(server.socket(), "")))
                .contains("export=\"disk\"");
    }

    @Test
    void refusesANameThatItDoesNotServe() {
        assertThat(Command.of("nbdinfo", "--size", Peers.uri(server.socket(), "other"))
                        .end()
                        .exitCode())
                .isNotZero();
    }

    @Test
    void givesNbdcopyTheSameBytes() throws IOException {
        Path copy = directory.resolve("copy.raw");

        Peers.run("nbdcopy", "--connections=4", "--requests=64", uri(), copy.toString());

        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
    }

    @Test
    void givesQemuTheSameBytesAndHoles() throws IOException {
        Path copy = directory.resolve("copy.raw");

        Peers.run("qemu-img", "convert", "-f", "raw", "-O", "raw", uri(), copy.toString());

        // QEMU knows whole sectors only.
        try (RandomAccessFile whole = new RandomAccessFile(copy.toFile(), "rw")) {
            assertThat(whole.length()).isBetween((long) SIZE, SIZE + 511L);
            whole.setLength(SIZE);
        }
        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
        assertThat(Peers.run("nbdinfo", "--map", "--totals", uri())).contains("hole,zero");
    }

    @Test
    void tellsADirtyBitmap() {
        String map = Peers.run("nbdinfo", "--map=qemu:dirty-bitmap:of:today", uri());

        assertThat(map.lines().map(String::strip).map(line -> line.replaceAll(" +", " ")))
                .containsExactly(
                        "0 4194304 1 dirty",
                        "4194304 8388608 0 clean",
                        "12582912 12582912 1 dirty",
                        "25165824 14834299 0 clean");
    }

    @Test
    void letsNobodyWriteOnWhatIsReadOnly() throws IOException {
        byte[] before = Files.readAllBytes(image);

        Command.Ended ended =
                Command.of("qemu-io", "-f", "raw", "-c", "write 0 64k", uri()).end();

        assertThat(ended.exitCode()).isNotZero();
        assertThat(Files.readAllBytes(image)).isEqualTo(before);
    }

    @Test
    void takesWhatQemuWritesDiscardsAndZeroes() throws IOException {
        Path target = directory.resolve("target.raw");
        try (RandomAccessFile file = new RandomAccessFile(target.toFile(), "rw")) {
            file.setLength(8 << 20);
        }
        try (FileDisk writable = FileDisk.open(target, true, Map.of());
                NbdServer writing = NbdServer.listen(directory.resolve("w.sock"), Map.of("", writable))) {
            String uri = Peers.uri(writing.socket(), "");
            Peers.run(
                    "qemu-io",
                    "-f",
                    "raw",
                    "-t",
                    "writethrough",
                    "-c",
                    "write -P 0x5a 0 4M",
                    "-c",
                    "discard 1M 1M",
                    "-c",
                    "write -z 2M 1M",
                    "-c",
                    "write -P 0x77 2M 4k",
                    "-c",
                    "flush",
                    "-c",
                    "read -P 0x5a 0 1M",
                    "-c",
                    "read -P 0 1M 1M",
                    "-c",
                    "read -P 0x77 2M 4k",
                    uri);
        }

        byte[] content = Files.readAllBytes(target);
        assertThat(content).hasSize(8 << 20);
        assertThat(content[0]).isEqualTo((byte) 0x5a);
        assertThat(content[1 << 20]).isZero();
        assertThat(content[2 << 20]).isEqualTo((byte) 0x77);
        assertThat(content[(2 << 20) + 4096]).isZero();
        assertThat(content[(4 << 20) - 1]).isEqualTo((byte) 0x5a);
    }

    @Test
    void servesWhatIsNoFile() throws IOException {
        ServedDisk counting = new ServedDisk() {
            @Override
            public long size() {
                return 32 << 20;
            }

            @Override
            public void read(long offset, ByteBuffer into) throws IOException {
                if (offset >= 16 << 20) {
                    throw new IOException("the second half is lost");
                }
                for (long at = offset; into.hasRemaining(); at++) {
                    into.put((byte) (at >> 16));
                }
            }
        };
        try (NbdServer other = NbdServer.listen(directory.resolve("o.sock"), Map.of("", counting))) {
            String uri = Peers.uri(other.socket(), "");

            Peers.run("qemu-io", "-r", "-f", "raw", "-c", "read -P 0x80 8M 64k", "-c", "read -P 0x11 1088k 64k", uri);

            try (NbdClient client = NbdClient.connect(other.socket(), "", null, LIMIT)) {
                assertThatThrownBy(() -> client.read(16 << 20, ByteBuffer.allocate(4096)))
                        .isInstanceOf(NbdException.class)
                        .hasMessage(
                                "read of 4096 bytes at 16777216: the server refuses it with IO (the second half is lost)");
                ByteBuffer first = ByteBuffer.allocate(4096);
                client.read(0, first);
                assertThat(first.hasRemaining()).isFalse();
            }
        }
    }

    @Test
    void aDiskOfManyTebibytesIsToldInOneQuestion() throws IOException {
        Path vast = directory.resolve("vast.raw");
        try (RandomAccessFile file = new RandomAccessFile(vast.toFile(), "rw")) {
            file.setLength(8L << 40);
            file.seek(5L << 40);
            file.write(1);
        }
        try (FileDisk far = FileDisk.open(vast, false, Map.of());
                NbdServer other = NbdServer.listen(directory.resolve("v.sock"), Map.of("", far));
                NbdClient client = NbdClient.connect(other.socket(), "", Extent.ALLOCATION, LIMIT)) {
            List<Extent> extents = client.extents(0, 8L << 40);

            assertThat(extents).hasSize(3);
            assertThat(extents.get(0)).isEqualTo(new Extent(0, 5L << 40, Extent.HOLE | Extent.ZERO));
            assertThat(extents.get(1).flags()).isZero();
            assertThat(extents.get(2).end()).isEqualTo(8L << 40);
        }
    }

    @Test
    void aFileThatWasCutWhileItIsServedEndsTheConnectionAndSendsNothingElse() throws IOException {
        try (NbdClient client = NbdClient.connect(server.socket(), "disk", null, LIMIT)) {
            try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                file.setLength(SIZE / 2);
            }
            assertThatThrownBy(() -> client.read(SIZE / 2 - 4096, ByteBuffer.allocate(8192)))
                    .isInstanceOfSatisfying(
                            NbdException.class, e -> assertThat(e.error()).isIn(NbdError.CONNECTION_LOST, NbdError.IO));
        }
    }

    @Test
    void itsSocketIsForItsOwnUserAndTakesNobodysPlace() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(server.socket())))
                .isEqualTo("rw-------");
        assertThatThrownBy(() -> NbdServer.listen(server.socket(), Map.of("disk", disk)))
                .isInstanceOf(FileAlreadyExistsException.class);
        try (var files = Files.list(directory)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("disk.raw", "nbd.sock");
        }
    }

    @Test
    void closingEndsClientsAndLeavesNoThread() throws IOException {
        try (NbdClient client = NbdClient.connect(server.socket(), "disk", null, LIMIT)) {
            server.close();

            assertThatThrownBy(() -> client.read(0, ByteBuffer.allocate(4096)))
                    .isInstanceOfSatisfying(
                            NbdException.class, e -> assertThat(e.error()).isEqualTo(NbdError.CONNECTION_LOST));
        }
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(Thread.getAllStackTraces().keySet())
                        .noneMatch(thread -> thread.getName().matches("nbd-\\d+-\\d+")));
    }
}
