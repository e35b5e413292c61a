package dev.tenon.core.backup.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is read of disks whose map takes many questions. */
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class NbdReaderTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final long GIB = 1L << 30;
    private static final int BLOCK = 64 << 10;

    @TempDir
    Path directory;

    /** A disk with one and a half blocks of data at each GiB, and each block holds its offset. */
    private record Vast(long size, BlockMap map) implements ServedDisk {
        private static final long DATA = BLOCK + BLOCK / 2;

        @Override
        public void read(long offset, ByteBuffer into) {
            assertThat(offset % GIB).as("only data are read").isLessThan(DATA);
            into.putLong(offset);
            into.position(into.limit());
        }

        @Override
        public Map<String, BlockMap> contexts() {
            return Map.of("data:each-gib", map);
        }

        /** Never more than three extents, however many may be told. */
        static List<Extent> slowly(long offset, long length, int most) {
            List<Extent> told = new ArrayList<>();
            long at = offset;
            while (at < offset + length && told.size() < Math.min(3, most)) {
                boolean isData = at % GIB < DATA;
                long end = isData ? at - at % GIB + DATA : (at / GIB + 1) * GIB;
                told.add(new Extent(at, Math.min(end, offset + length) - at, isData ? 0 : Extent.ZERO));
                at = told.getLast().end();
            }
            return told;
        }
    }

    private SortedMap<Long, Integer> blocksOf(Vast disk) throws IOException {
        SortedMap<Long, Integer> read = new ConcurrentSkipListMap<>();
        try (NbdServer server = NbdServer.listen(directory.resolve("nbd.sock"), Map.of("", disk));
                NbdClient one = NbdClient.connect(server.socket(), "", "data:each-gib", LIMIT);
                NbdClient two = NbdClient.connect(server.socket(), "", null, LIMIT)) {
            new NbdReader(List.of(one, two), BLOCK, 3)
                    .readChosen(one, extent -> !extent.has(Extent.ZERO), (offset, data) -> {
                        int length = data.remaining();
                        assertThat(data.getLong()).isEqualTo(offset);
                        assertThat(read.put(offset, length)).as("read before").isNull();
                    });
        }
        return read;
    }

    @Test
    void aMapThatIsToldInSmallPiecesIsReadWholeAndOnce() throws IOException {
        int gibs = 150;
        SortedMap<Long, Integer> expected = new TreeMap<>();
        for (long i = 0; i < gibs; i++) {
            expected.put(i * GIB, BLOCK);
            expected.put(i * GIB + BLOCK, BLOCK / 2);
        }
        expected.put(gibs * GIB, 512);

        assertThat(blocksOf(new Vast(gibs * GIB + 512, Vast::slowly))).isEqualTo(expected);
    }

    @Test
    void aMapThatCannotBeToldEndsTheReading() {
        Vast disk = new Vast(150 * GIB, (offset, length, most) -> {
            if (offset > 70 * GIB) {
                throw new IOException("the map is torn");
            }
            return Vast.slowly(offset, length, most);
        });

        assertThatThrownBy(() -> blocksOf(disk)).hasMessageContaining("the map is torn");
    }

    /** The protocol demands no more than 64 KiB in one piece. */
    @Test
    void aServerThatCannotSendALotInOnePieceIsReadAsItCan() throws IOException {
        int piece = 1 << 20;
        AtomicInteger refused = new AtomicInteger();
        ServedDisk disk = new ServedDisk() {
            @Override
            public long size() {
                return 9L * piece;
            }

            @Override
            public void read(long offset, ByteBuffer into) throws IOException {
                if (into.remaining() > piece) {
                    refused.incrementAndGet();
                    throw new NbdException(NbdError.OVERFLOW, "too much at once");
                }
                into.putLong(offset);
                into.position(into.limit());
            }

            @Override
            public Map<String, BlockMap> contexts() {
                return Map.of(Extent.ALLOCATION, (offset, length, most) -> List.of(new Extent(offset, length, 0)));
            }
        };
        List<Long> read = new ArrayList<>();
        try (NbdServer server = NbdServer.listen(directory.resolve("nbd.sock"), Map.of("", disk));
                NbdClient client = NbdClient.connect(server.socket(), "", Extent.ALLOCATION, LIMIT)) {
            new NbdReader(List.of(client), 4 * piece, 1).readChosen(client, extent -> true, (offset, data) -> {
                for (int at = 0; at < data.remaining(); at += piece) {
                    read.add(data.getLong(at));
                }
            });
        }

        assertThat(refused).as("asked for it in one piece").hasValue(1);
        assertThat(read)
                .containsExactly(
                        LongStream.range(0, 9).map(i -> i * piece).boxed().toArray(Long[]::new));
    }

    /** QEMU 7.2 is asked for less than 4 GiB at once. */
    @Test
    void dataAcrossTheEdgesOfQuestionsComeFromQemuAsTheyAre() throws IOException {
        Path image = directory.resolve("disk.raw");
        SortedMap<Long, Byte> written = new TreeMap<>();
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(17 * GIB + 512);
            for (long at = 4 * GIB; at <= 16 * GIB; at += 4 * GIB) {
                for (long block = at - 2 * BLOCK; block < at + 2 * BLOCK; block += BLOCK) {
                    file.seek(block);
                    byte[] data = new byte[BLOCK];
                    java.util.Arrays.fill(data, (byte) (1 + block / BLOCK % 100));
                    file.write(data);
                    written.put(block, data[0]);
                }
            }
        }
        SortedMap<Long, Byte> read = new ConcurrentSkipListMap<>();
        try (Peers peers = new Peers(directory)) {
            Path socket = peers.serve("qemu-nbd", "-t", "-r", "-e", "4", "-f", "raw", "-k", "SOCKET", image.toString());
            try (NbdClient client = NbdClient.connect(socket, "", Extent.ALLOCATION, LIMIT)) {
                new NbdReader(List.of(client), BLOCK, 5)
                        .readChosen(client, extent -> !extent.has(Extent.ZERO), (offset, data) -> {
                            if (data.get(0) != 0) {
                                assertThat(read.put(offset, data.get(0))).isNull();
                            }
                        });
            }
        }

        assertThat(read).isEqualTo(written);
    }
}
