package dev.tenon.core.backup.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whole conversations of real clients and servers, in which something is changed, lost or said twice on the way. */
class NbdFuzzTest {
    private static final int ROUNDS = Integer.getInteger("tenon.fuzz", 150);
    private static final int SIZE = 1 << 20;
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** So long nothing may come before the one in the middle hangs up. */
    private static final int QUIET_MILLIS = 40;

    enum Server {
        /** Extended headers. */
        OURS,
        /** Structured replies. */
        QEMU
    }

    @TempDir
    Path directory;

    /** Who changes what passes, once. */
    private static final class Middle implements AutoCloseable {
        private final ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        private final Path behind;
        private final Random random;
        private final Thread thread;

        Middle(Path socket, Path behind, long seed) throws IOException {
            this.behind = behind;
            this.random = new Random(seed);
            listener.bind(UnixDomainSocketAddress.of(socket));
            thread = Thread.ofPlatform().daemon().start(this::run);
        }

        private void run() {
            boolean isAnswer = random.nextBoolean();
            // Most of what is interesting is in the first bytes of a conversation, or in the header of some answer.
            int where = random.nextInt(3) == 0 ? random.nextInt(400) : random.nextInt(20_000);
            try (SocketChannel client = listener.accept();
                    SocketChannel server = SocketChannel.open(UnixDomainSocketAddress.of(behind));
                    Selector selector = Selector.open()) {
                client.configureBlocking(false).register(selector, SelectionKey.OP_READ);
                server.configureBlocking(false).register(selector, SelectionKey.OP_READ);
                int[] passed = new int[2];
                ByteBuffer buffer = ByteBuffer.allocate(64 << 10);
                while (selector.select(QUIET_MILLIS) > 0) {
                    for (SelectionKey key : selector.selectedKeys()) {
                        boolean fromServer = key.channel().equals(server);
                        buffer.clear();
                        int read = ((SocketChannel) key.channel()).read(buffer);
                        if (read < 0) {
                            return;
                        }
                        int at = where - passed[fromServer ? 1 : 0];
                        passed[fromServer ? 1 : 0] += read;
                        buffer.flip();
                        boolean isHere = fromServer == isAnswer && at >= 0 && at < read;
                        pass(isHere ? changed(buffer, at) : buffer, fromServer ? client : server);
                    }
                    selector.selectedKeys().clear();
                }
            } catch (IOException e) {
                // one of them went
            }
        }

        private ByteBuffer changed(ByteBuffer passing, int at) {
            byte[] before = new byte[passing.remaining()];
            passing.get(before);
            int length = Math.min(before.length - at, 1 + random.nextInt(16));
            ByteBuffer after = ByteBuffer.allocate(before.length + length);
            after.put(before, 0, at);
            switch (random.nextInt(4)) {
                case 0 ->
                    after.put((byte) (before[at] ^ (1 << random.nextInt(8))))
                            .put(before, at + 1, before.length - at - 1);
                case 1 -> after.put(before, at + length, before.length - at - length);
                case 2 -> after.put(before, at, length).put(before, at, before.length - at);
                default -> {
                    byte[] noise = new byte[length];
                    random.nextBytes(noise);
                    after.put(noise).put(before, at + length, before.length - at - length);
                }
            }
            return after.flip();
        }

        private static void pass(ByteBuffer data, SocketChannel to) throws IOException {
            while (data.hasRemaining()) {
                if (to.write(data) == 0) {
                    Thread.onSpinWait();
                }
            }
        }

        @Override
        public void close() throws IOException {
            listener.close();
            try {
                thread.join(LIMIT);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            assertThat(thread.isAlive()).isFalse();
        }
    }

    /** What a backup does; null if nothing went wrong. */
    private static @Nullable Throwable use(Path socket, String context) {
        try (NbdClient client = NbdClient.connect(socket, "disk", context, LIMIT)) {
            new NbdReader(List.of(client), 64 << 10, 2)
                    .readChosen(client, extent -> extent.flags() != 7, (offset, data) -> {
                        if (offset < 0
                                || offset + data.remaining() > client.export().size()) {
                            throw new IllegalStateException("a block at " + offset);
                        }
                    });
            client.trim(0, 4096);
            client.flush();
            return null;
        } catch (NbdException | IllegalArgumentException e) {
            return e;
        } catch (Throwable e) {
            return new AssertionError("no failure of a conversation", e);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whateverHappensOnTheWayEndsInAnAnswerOrASentence(Server kind) throws Exception {
        Path image = Peers.image(directory.resolve("disk.raw"), SIZE, 8);
        byte[] before = Files.readAllBytes(image);
        BitSet dirty = new BitSet();
        dirty.set(1, 9);
        String bitmap = Extent.DIRTY_BITMAP + "b";
        try (FileDisk disk = FileDisk.open(image, false, Map.of(bitmap, new DirtyBitmap(SIZE, 1 << 16, dirty)));
                NbdServer ours = NbdServer.listen(directory.resolve("ours.sock"), Map.of("disk", new StillDisk(disk)));
                Peers peers = new Peers(directory)) {
            Path server = switch (kind) {
                case OURS -> ours.socket();
                case QEMU ->
                    peers.serve(
                            "qemu-nbd",
                            "-t",
                            "-r",
                            "-e",
                            "9",
                            "-f",
                            "raw",
                            "-x",
                            "disk",
                            "-k",
                            "SOCKET",
                            image.toString());
            };
            int failed = 0;
            for (int i = 0; i < ROUNDS; i++) {
                Path socket = directory.resolve("m" + i + ".sock");
                String context = kind == Server.OURS && i % 2 == 0 ? bitmap : Extent.ALLOCATION;
                try (Middle middle = new Middle(socket, server, kind.name().length() * 1000L + i)) {
                    assertThat(middle).isNotNull();
                    Throwable failure = CompletableFuture.supplyAsync(() -> use(socket, context))
                            .get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
                    assertThat(failure instanceof AssertionError)
                            .as("round %d: %s", i, failure)
                            .isFalse();
                    failed += failure == null ? 0 : 1;
                }
            }
            assertThat(failed).as("most changes are noticed").isBetween(1, ROUNDS);
            ByteBuffer whole = ByteBuffer.allocate(SIZE);
            try (NbdClient client = NbdClient.connect(server, "disk", null, LIMIT)) {
                client.read(0, whole);
            }
            assertThat(whole.array()).as("the server lives").isEqualTo(before);
        }
        assertThat(Files.readAllBytes(image)).isEqualTo(before);
    }
}
