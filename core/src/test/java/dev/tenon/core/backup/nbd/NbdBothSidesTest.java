package dev.tenon.core.backup.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.io.RandomAccessFile;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Our client at our server: what no peer of this release speaks, and many at once. */
class NbdBothSidesTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int PART = 1 << 20;

    @TempDir
    Path directory;

    /** Each thread has a part of the disk and a copy of it in memory; all share two connections. */
    @Test
    void manyThreadsReadWhatTheyWroteOverFewConnections() throws Exception {
        int threads = 8;
        Path file = directory.resolve("disk.raw");
        try (RandomAccessFile whole = new RandomAccessFile(file.toFile(), "rw")) {
            whole.setLength((long) threads * PART);
        }
        try (FileDisk disk = FileDisk.open(file, true, Map.of());
                NbdServer server = NbdServer.listen(directory.resolve("nbd.sock"), Map.of("", disk));
                NbdClient one = NbdClient.connect(server.socket(), "", Extent.ALLOCATION, LIMIT);
                NbdClient two = NbdClient.connect(server.socket(), "", Extent.ALLOCATION, LIMIT);
                var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<byte[]>> parts = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                parts.add(executor.submit(work(i % 2 == 0 ? one : two, i)));
            }
            for (int i = 0; i < threads; i++) {
                ByteBuffer now = ByteBuffer.allocateDirect(PART);
                two.flush();
                byte[] expected = parts.get(i).get();
                one.read((long) i * PART, now);
                byte[] seen = new byte[PART];
                now.flip().get(seen);
                assertThat(Arrays.mismatch(seen, expected)).as("part %d", i).isEqualTo(-1);
            }
        }
    }

    private static Callable<byte[]> work(NbdClient client, int part) {
        return () -> {
            Random random = new Random(part);
            byte[] model = new byte[PART];
            long base = (long) part * PART;
            for (int step = 0; step < 300; step++) {
                int at = random.nextInt(PART);
                int length = 1 + random.nextInt(Math.min(PART - at, 100_000));
                switch (random.nextInt(6)) {
                    case 0, 1 -> {
                        byte[] data = new byte[length];
                        random.nextBytes(data);
                        System.arraycopy(data, 0, model, at, length);
                        client.write(base + at, ByteBuffer.wrap(data));
                    }
                    case 2 -> {
                        Arrays.fill(model, at, at + length, (byte) 0);
                        client.zero(base + at, length, random.nextBoolean());
                    }
                    case 3 -> {
                        long told = base + at;
                        for (Extent extent : client.extents(base + at, length)) {
                            assertThat(extent.offset()).isEqualTo(told);
                            told = extent.end();
                            if (extent.has(Extent.ZERO)) {
                                for (long i = extent.offset(); i < extent.end(); i++) {
                                    assertThat(model[(int) (i - base)]).isZero();
                                }
                            }
                        }
                        assertThat(told).isLessThanOrEqualTo(base + at + length);
                    }
                    default -> {
                        byte[] seen = new byte[length];
                        client.read(base + at, ByteBuffer.wrap(seen));
                        assertThat(Arrays.equals(seen, 0, length, model, at, at + length))
                                .isTrue();
                    }
                }
            }
            return model;
        };
    }

    /** As the kernel's client does: an export by its name, and replies without chunks. */
    @Test
    void theOldestClientIsServed() throws Exception {
        Path file = Peers.image(directory.resolve("disk.raw"), PART, 4);
        try (FileDisk disk = FileDisk.open(file, false, Map.of());
                NbdServer server = NbdServer.listen(directory.resolve("nbd.sock"), Map.of("disk", disk));
                SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(server.socket()))) {
            InputStream in = Channels.newInputStream(client);
            in.readNBytes(18);
            client.write(ByteBuffer.allocate(24)
                    .putInt(Nbd.FIXED_NEWSTYLE)
                    .putLong(Nbd.OPTION_MAGIC)
                    .putInt(Nbd.OPT_EXPORT_NAME)
                    .putInt(4)
                    .put("disk".getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                    .flip());
            ByteBuffer export = ByteBuffer.wrap(in.readNBytes(10 + Nbd.ZEROES));
            assertThat(export.getLong()).isEqualTo(PART);
            assertThat(export.getShort() & Nbd.READ_ONLY).isNotZero();
            ByteBuffer read = ByteBuffer.allocate(28)
                    .putInt(Nbd.REQUEST_MAGIC)
                    .putShort((short) 0)
                    .putShort((short) Nbd.CMD_READ)
                    .putLong(42)
                    .putLong(0)
                    .putInt(PART);
            client.write(read.flip());
            ByteBuffer header = ByteBuffer.wrap(in.readNBytes(16));
            assertThat(header.getInt()).isEqualTo(Nbd.SIMPLE_REPLY_MAGIC);
            assertThat(header.getInt()).isZero();
            assertThat(header.getLong()).isEqualTo(42);
            assertThat(in.readNBytes(PART)).isEqualTo(java.nio.file.Files.readAllBytes(file));
            ByteBuffer write = ByteBuffer.allocate(28 + 512)
                    .putInt(Nbd.REQUEST_MAGIC)
                    .putShort((short) 0)
                    .putShort((short) Nbd.CMD_WRITE)
                    .putLong(43)
                    .putLong(0)
                    .putInt(512);
            client.write(write.rewind());
            ByteBuffer refusal = ByteBuffer.wrap(in.readNBytes(16));
            assertThat(refusal.getInt(4)).isEqualTo(1);
            assertThat(refusal.getLong(8)).isEqualTo(43);
        }
    }
}
