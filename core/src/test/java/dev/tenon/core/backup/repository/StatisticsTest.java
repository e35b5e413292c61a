package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a repository tells of itself. */
class StatisticsTest {
    private static final int CHUNK = DiskTable.CHUNK;
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");

    @TempDir
    private Path directory;

    private Repository repository;

    @BeforeEach
    void make() throws IOException {
        Repository.init(directory.resolve("repository"));
        repository = Repository.open(directory.resolve("repository"));
    }

    private Snapshot backup(int guest, int seconds, long size, int... randomChunks) throws IOException {
        try (SnapshotWriter writer =
                repository.write("default", GuestType.QEMU, new Vmid(guest), TIME.plusSeconds(seconds))) {
            DiskWriter disk = writer.disk(DISK, ByteSize.ofBytes(size));
            long at = 0;
            for (int seed : randomChunks) {
                byte[] bytes = new byte[(int) Math.min(CHUNK, size - at)];
                if (seed != 0) {
                    new Random(seed).nextBytes(bytes);
                }
                disk.write(at, ByteBuffer.wrap(bytes));
                at += bytes.length;
            }
            return writer.publish(RawConfig.of(new byte[0]), null);
        }
    }

    @Test
    void whatGuestsShareIsCountedForEachAndStoredOnce() throws IOException {
        backup(100, 0, 3L * CHUNK, 1, 0, 2);
        backup(100, 1, 3L * CHUNK, 1, 0, 3);
        backup(101, 0, 2L * CHUNK, 1, 0);

        Statistics statistics = repository.statistics();

        assertThat(statistics.guests()).hasSize(2);
        Statistics.OfGuest first = statistics.guests().getFirst();
        assertThat(first.guest()).isEqualTo(new Vmid(100));
        assertThat(first.snapshots()).isEqualTo(2);
        assertThat(first.disks().bytes()).isEqualTo(6L * CHUNK);
        assertThat(first.data().bytes()).isEqualTo(4L * CHUNK);
        assertThat(first.stored().bytes()).isBetween(3L * CHUNK, 3L * CHUNK + 2000);
        Statistics.OfGuest second = statistics.guests().getLast();
        assertThat(second.stored().bytes()).isBetween((long) CHUNK, CHUNK + 1000L);
        assertThat(statistics.needed().bytes()).isBetween(3L * CHUNK, 3L * CHUNK + 2000);
        assertThat(statistics.stored().bytes())
                .isGreaterThanOrEqualTo(statistics.needed().bytes());
        assertThat(statistics.chunks()).as("three of disks, three leaves").isEqualTo(6);
    }

    @Test
    void whereADiskDiffersIsTold() throws IOException {
        Snapshot first = backup(100, 0, 5L * CHUNK + 100, 1, 2, 3, 4, 0, 5);
        Snapshot second = backup(100, 1, 5L * CHUNK + 100, 1, 6, 7, 4, 0, 8);
        Snapshot larger = backup(100, 2, 7L * CHUNK, 1, 2, 3, 4, 0);

        try (RepositoryReader reader = repository.read()) {
            Difference difference =
                    Objects.requireNonNull(reader.differences(first, second).get(DISK));
            assertThat(difference.changed())
                    .isEqualTo(List.of(new Difference.Range(CHUNK, 2L * CHUNK), new Difference.Range(5L * CHUNK, 100)));
            assertThat(difference.bytes().bytes()).isEqualTo(2L * CHUNK + 100);
            assertThat(reader.differences(first, first).values()).allMatch(Difference::isSame);
            Difference grown =
                    Objects.requireNonNull(reader.differences(first, larger).get(DISK));
            assertThat(grown.after()).isEqualTo(Optional.of(ByteSize.ofBytes(7L * CHUNK)));
            assertThat(grown.isSame()).isFalse();
        }
    }

    @Test
    void aSampleReadsOnlySomeChunksButKnowsWhichAreMissing() throws IOException {
        int[] seeds = new int[20];
        for (int i = 0; i < seeds.length; i++) {
            seeds[i] = i + 1;
        }
        Snapshot snapshot = backup(100, 0, 20_000, 1);
        for (int seed : seeds) {
            backup(101, seed, 4096, seed);
        }
        assertThat(repository.verify().chunks()).isEqualTo(42);
        assertThat(repository.verify(30).chunks()).isLessThan(42);

        Layout layout = new Layout(directory.resolve("repository"));
        Path pack = layout.packNames().stream()
                .map(layout::pack)
                .max((a, b) -> Long.compare(a.toFile().length(), b.toFile().length()))
                .orElseThrow();
        try (RandomAccessFile file = new RandomAccessFile(pack.toFile(), "rw")) {
            file.setLength(file.length() - 100);
        }
        assertThat(repository.verify(1).snapshots()).containsOnlyKeys(snapshot.id());
    }
}
