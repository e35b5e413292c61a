package dev.tenon.core.backup.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our client, at the servers of others. */
class NbdClientTest {
    private static final int SIZE = 24 << 20;
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    private Peers peers;
    private Path image;

    @BeforeEach
    void start() throws IOException {
        peers = new Peers(directory);
        image = Peers.image(directory.resolve("disk.raw"), SIZE, 2);
    }

    @AfterEach
    void end() {
        peers.close();
    }

    /** Reads it all with several connections, where they may be several, and writes it into a file. */
    private Path copy(Path socket, String export, @Nullable String context) throws IOException {
        Path copy = directory.resolve("copy.raw");
        List<NbdClient> clients = new ArrayList<>();
        try (FileChannel target = FileChannel.open(copy, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            clients.add(NbdClient.connect(socket, export, context, LIMIT));
            if (clients.getFirst().export().canMultiply()) {
                clients.add(NbdClient.connect(socket, export, null, LIMIT));
            }
            NbdReader reader = new NbdReader(clients, 256 << 10, 4);
            NbdReader.Sink sink = (offset, data) -> {
                while (data.hasRemaining()) {
                    target.write(data, offset + data.position());
                }
            };
            if (context == null) {
                reader.readAll(sink);
            } else {
                reader.readChosen(clients.getFirst(), extent -> !extent.has(Extent.ZERO), sink);
                try (java.io.RandomAccessFile whole = new java.io.RandomAccessFile(copy.toFile(), "rw")) {
                    whole.setLength(clients.getFirst().export().size());
                }
            }
        } finally {
            clients.forEach(NbdClient::close);
        }
        return copy;
    }

    @Test
    void readsFromQemuWithSeveralConnections() throws IOException {
        Path socket = peers.serve(
                "qemu-nbd", "-t", "-r", "-e", "8", "-f", "raw", "-x", "disk", "-k", "SOCKET", image.toString());

        assertThat(Files.mismatch(image, copy(socket, "disk", null))).isEqualTo(-1);
    }

    @Test
    void readsFromQemuOnlyWhatIsNoHole() throws IOException {
        Path socket = peers.serve(
                "qemu-nbd", "-t", "-r", "-e", "8", "-f", "raw", "-x", "disk", "-k", "SOCKET", image.toString());

        assertThat(Files.mismatch(image, copy(socket, "disk", Extent.ALLOCATION)))
                .isEqualTo(-1);
    }

    @Test
    void learnsFromADirtyBitmapOfQemuWhatChanged() throws IOException {
        Path qcow = directory.resolve("disk.qcow2");
        Peers.run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", image.toString(), qcow.toString());
        Peers.run("qemu-img", "bitmap", "--add", "-g", "64k", qcow.toString(), "since:monday");
        Peers.run("qemu-io", "-c", "write -P 9 1M 100k", "-c", "write -P 8 20M 1k", qcow.toString());
        Path socket = peers.serve(
                "qemu-nbd",
                "-t",
                "-r",
                "-e",
                "8",
                "-f",
                "qcow2",
                "-B",
                "since:monday",
                "-k",
                "SOCKET",
                qcow.toString());
        List<String> read = new ArrayList<>();
        try (NbdClient client = NbdClient.connect(socket, "", Extent.DIRTY_BITMAP + "since:monday", LIMIT)) {
            new NbdReader(List.of(client), 64 << 10, 1)
                    .readChosen(
                            client,
                            extent -> extent.has(Extent.DIRTY),
                            (offset, data) ->
                                    read.add(offset / 1024 + "+" + data.remaining() / 1024 + ":" + data.get(0)));
        }

        assertThat(read).containsExactly("1024+64:9", "1088+64:9", "20480+64:8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--no-sr", "--mask-handshake=0", "--mask-handshake=1", "--log=null"})
    void readsFromServersThatKnowLess(String option) throws IOException {
        Path socket = peers.serve("nbdkit", "-f", "-U", "SOCKET", option, "file", image.toString());

        assertThat(Files.mismatch(image, copy(socket, "", null))).isEqualTo(-1);
    }

    @Test
    void asksForNoContextWhereThereAreNone() throws IOException {
        Path socket = peers.serve("nbdkit", "-f", "-U", "SOCKET", "--no-sr", "file", image.toString());

        assertThatThrownBy(() -> NbdClient.connect(socket, "", Extent.ALLOCATION, LIMIT))
                .isInstanceOfSatisfying(
                        NbdException.class, e -> assertThat(e.error()).isEqualTo(NbdError.NOT_SUPPORTED))
                .hasMessage("export '': the server knows no structured replies, so it cannot tell 'base:allocation'");
    }

    @Test
    void namesTheContextThatIsNotThere() throws IOException {
        Path socket = peers.serve("qemu-nbd", "-t", "-r", "-f", "raw", "-k", "SOCKET", image.toString());

        assertThatThrownBy(() -> NbdClient.connect(socket, "", Extent.DIRTY_BITMAP + "gone", LIMIT))
                .hasMessage("export '' has no context 'qemu:dirty-bitmap:gone'");
    }

    @Test
    void keepsToTheBlocksOfTheServer() throws IOException {
        Path socket = peers.serve(
                "nbdkit",
                "-f",
                "-U",
                "SOCKET",
                "--filter=blocksize-policy",
                "pattern",
                "size=1M",
                "blocksize-minimum=4096",
                "blocksize-preferred=64k",
                "blocksize-maximum=128k",
                "blocksize-error-policy=error");
        try (NbdClient client = NbdClient.connect(socket, "", null, LIMIT)) {
            assertThat(client.export().minimumBlock()).isEqualTo(4096);
            assertThat(client.export().largestPayload()).isEqualTo(128 << 10);
            ByteBuffer block = ByteBuffer.allocate(128 << 10);
            client.read(128 << 10, block);
            assertThat(block.getLong(8)).isEqualTo((128 << 10) + 8);
            assertThatThrownBy(() -> client.read(512, ByteBuffer.allocate(512)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("512 bytes at 512 are not in blocks of 4096");
            assertThatThrownBy(() -> new NbdReader(List.of(client), 1 << 20, 1)).hasMessageContaining("at most 131072");
        }
    }

    @Test
    void aFailedReadIsToldAndTheNextOneGoesOn() throws IOException {
        Path socket = peers.serve(
                "nbdkit",
                "-f",
                "-U",
                "SOCKET",
                "--filter=error",
                "memory",
                "1M",
                "error-pread=EIO",
                "error-pread-rate=100%");
        try (NbdClient client = NbdClient.connect(socket, "", null, LIMIT)) {
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> client.read(4096, ByteBuffer.allocate(4096)))
                        .isInstanceOfSatisfying(
                                NbdException.class, e -> assertThat(e.error()).isEqualTo(NbdError.IO))
                        .hasMessageStartingWith("read of 4096 bytes at 4096: the server refuses it with IO");
            }
            client.write(0, ByteBuffer.allocate(4096));
            client.flush();
        }
    }

    @Test
    void aServerThatIsBusyWithAnotherClientIsNotWaitedForForEver() throws IOException {
        Path socket = peers.serve("qemu-nbd", "-t", "-r", "-f", "raw", "-k", "SOCKET", image.toString());
        try (NbdClient first = NbdClient.connect(socket, "", null, LIMIT)) {
            assertThatThrownBy(() -> NbdClient.connect(socket, "", null, Duration.ofMillis(300)))
                    .hasMessage("the NBD server at '" + socket + "' did not answer within 300 ms");
            first.read(0, ByteBuffer.allocate(512));
        }
    }

    /** One of them reads for both, and it is the other one that is interrupted. */
    @Test
    void whoWaitsForAServerThatHangsCanBeInterrupted() throws Exception {
        Path socket = peers.serve(
                "qemu-nbd", "-t", "-r", "-e", "8", "-f", "raw", "-x", "disk", "-k", "SOCKET", image.toString());
        Queue<NbdException> told = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        try (NbdClient client = NbdClient.connect(socket, "disk", null, LIMIT)) {
            peers.signal("STOP");
            for (int i = 0; i < 2; i++) {
                long offset = i * 4096L;
                threads.add(Thread.ofPlatform().start(() -> {
                    try {
                        client.read(offset, ByteBuffer.allocateDirect(4096));
                    } catch (NbdException e) {
                        told.add(e);
                    }
                }));
            }
            await().until(() -> threads.stream().anyMatch(thread -> isIn(thread, "take"))
                    && threads.stream().anyMatch(thread -> isIn(thread, "park")));
            threads.stream()
                    .filter(thread -> isIn(thread, "park"))
                    .findFirst()
                    .orElseThrow()
                    .interrupt();

            for (Thread thread : threads) {
                assertThat(thread.join(LIMIT)).as("%s", thread).isTrue();
            }
            assertThat(told).hasSize(2);
        } finally {
            peers.signal("CONT");
        }
    }

    private static boolean isIn(Thread thread, String method) {
        return Arrays.stream(thread.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals(method));
    }

    @Test
    void whatIsNoServerIsTold() {
        assertThatThrownBy(() -> NbdClient.connect(directory.resolve("none"), "", null, LIMIT))
                .isInstanceOfSatisfying(
                        NbdException.class, e -> assertThat(e.error()).isEqualTo(NbdError.CONNECTION_LOST))
                .hasMessageStartingWith("the NBD server at '" + directory.resolve("none") + "': ");
    }

    /** Servers do not agree what it is: to QEMU it is invalid, to nbdkit there is no space. */
    @Test
    void whatDoesNotFitInIsNotAskedFor() throws IOException {
        Path socket = peers.serve("qemu-nbd", "-t", "-f", "raw", "-k", "SOCKET", image.toString());
        try (NbdClient client = NbdClient.connect(socket, "", null, LIMIT)) {
            long size = client.export().size();
            assertThatThrownBy(() -> client.write(size - 4096, ByteBuffer.allocate(8192)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("8192 bytes at " + (size - 4096) + " are not inside of an export of " + size);
        }
    }

    @Test
    void writesZeroesAndTrimsAtQemu() throws IOException {
        Path socket = peers.serve("qemu-nbd", "-t", "-f", "raw", "--discard=unmap", "-k", "SOCKET", image.toString());
        try (NbdClient client = NbdClient.connect(socket, "", Extent.ALLOCATION, LIMIT)) {
            ByteBuffer block = ByteBuffer.allocate(1 << 20);
            while (block.hasRemaining()) {
                block.put((byte) 7);
            }
            client.write(0, block.flip());
            client.zero(64 << 10, 64 << 10, false);
            client.trim(512 << 10, 128 << 10);
            client.flush();
            assertThat(client.extents(0, 1 << 20).getFirst().flags()).isZero();
        }

        byte[] content = Files.readAllBytes(image);
        assertThat(content[0]).isEqualTo((byte) 7);
        assertThat(content[64 << 10]).isZero();
        assertThat(content[128 << 10]).isEqualTo((byte) 7);
        assertThat(content[(512 << 10) + 1]).isZero();
        assertThat(content[(640 << 10)]).isEqualTo((byte) 7);
    }
}
