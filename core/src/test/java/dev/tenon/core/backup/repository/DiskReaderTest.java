package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that is copied by many threads, and one that is written by many. */
class DiskReaderTest {
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final RawConfig CONFIG = RawConfig.of(new byte[] {'x'});
    private static final int CHUNK = DiskTable.CHUNK;

    @TempDir
    private Path directory;

    private Repository repository;

    @BeforeEach
    void make() throws IOException {
        Path place = directory.resolve("repository");
        Repository.init(place);
        repository = Repository.open(place);
    }

    @AfterEach
    void close() {
        repository.close();
    }

    private SnapshotWriter begin() throws IOException {
        return repository.write("default", GuestType.QEMU, new Vmid(100), Instant.ofEpochSecond(1));
    }

    /** Six chunks of which the third is zeroes and the last one short. */
    private static byte[] content() {
        byte[] content = new byte[5 * CHUNK + 1000];
        new Random(1).nextBytes(content);
        Arrays.fill(content, 2 * CHUNK, 3 * CHUNK, (byte) 0);
        return content;
    }

    private Snapshot backup(byte[] content) throws IOException {
        try (SnapshotWriter writer = begin()) {
            writer.disk(DISK, ByteSize.ofBytes(content.length)).write(0, ByteBuffer.wrap(content));
            return writer.publish(CONFIG, null);
        }
    }

    @Test
    void everyChunkThatIsNotZeroesIsGivenOnce() throws IOException {
        byte[] content = content();
        Snapshot snapshot = backup(content);
        byte[] copy = new byte[content.length];
        List<Long> offsets = Collections.synchronizedList(new ArrayList<>());
        List<Long> told = new ArrayList<>();
        try (RepositoryReader reader = repository.read()) {
            reader.disk(snapshot, DISK)
                    .orElseThrow()
                    .copy(
                            (offset, chunk) -> {
                                offsets.add(offset);
                                chunk.get(copy, (int) offset, chunk.remaining());
                            },
                            told::add);
        }
        assertThat(offsets).containsExactlyInAnyOrder(0L, 1L * CHUNK, 3L * CHUNK, 4L * CHUNK, 5L * CHUNK);
        assertThat(copy).isEqualTo(content);
        assertThat(told).isSorted().endsWith((long) content.length);
    }

    @Test
    void aDamagedChunkEndsTheCopyAndIsNotGiven() throws IOException {
        byte[] content = content();
        Snapshot snapshot = backup(content);
        Layout layout = new Layout(directory.resolve("repository"));
        Path pack = layout.pack(layout.packNames().getFirst());
        byte[] hurt = Files.readAllBytes(pack);
        hurt[hurt.length / 2] ^= 1;
        Files.write(pack, hurt);
        AtomicInteger wrong = new AtomicInteger();
        try (RepositoryReader reader = repository.read()) {
            DiskReader disk = reader.disk(snapshot, DISK).orElseThrow();
            assertThatThrownBy(() -> disk.copy(
                            (offset, chunk) -> {
                                byte[] bytes = new byte[chunk.remaining()];
                                chunk.get(bytes);
                                int begin = (int) offset;
                                if (!Arrays.equals(bytes, Arrays.copyOfRange(content, begin, begin + bytes.length))) {
                                    wrong.incrementAndGet();
                                }
                            },
                            _ -> {}))
                    .isInstanceOf(BadRepositoryException.class)
                    .hasMessageContaining("damaged");
        }
        assertThat(wrong).hasValue(0);
    }

    @Test
    void aTargetThatFailsEndsTheCopyWithWhatItSays() throws IOException {
        Snapshot snapshot = backup(content());
        IOException full = new IOException("it is full");
        try (RepositoryReader reader = repository.read()) {
            DiskReader disk = reader.disk(snapshot, DISK).orElseThrow();
            assertThatThrownBy(() -> disk.copy(
                            (_, _) -> {
                                throw full;
                            },
                            _ -> {}))
                    .isSameAs(full);
            assertThatThrownBy(() -> disk.copy((_, _) -> {}, _ -> {
                        throw new IllegalStateException("enough");
                    }))
                    .hasMessage("enough");
        }
    }

    @Test
    void chunksThatAreFilledByThreadsComeBack() throws IOException {
        byte[] content = content();
        Snapshot snapshot;
        try (SnapshotWriter writer = begin()) {
            DiskWriter disk = writer.disk(DISK, ByteSize.ofBytes(content.length));
            for (int at = 0; at < content.length; at += CHUNK) {
                int from = at;
                int length = Math.min(CHUNK, content.length - at);
                assertThat(disk.writeWhole(at, length, to -> to.put(content, from, length)))
                        .isTrue();
            }
            snapshot = writer.publish(CONFIG, null);
        }
        ByteBuffer bytes = ByteBuffer.allocate(content.length);
        try (RepositoryReader reader = repository.read()) {
            reader.disk(snapshot, DISK).orElseThrow().read(0, bytes);
        }
        assertThat(bytes.array()).isEqualTo(content);
    }

    @Test
    void aChunkThatCannotBeFilledFailsTheBackupWithTheReason() throws IOException {
        IOException gone = new IOException("the disk has gone");
        try (SnapshotWriter writer = begin()) {
            DiskWriter disk = writer.disk(DISK, ByteSize.ofBytes(2 * CHUNK));
            assertThat(disk.writeWhole(0, CHUNK, _ -> {
                        throw gone;
                    }))
                    .isTrue();
            assertThatThrownBy(disk::awaitFilled).isSameAs(gone);
            assertThatThrownBy(() -> writer.publish(CONFIG, null)).isSameAs(gone);
        }
        try (SnapshotWriter writer = begin()) {
            DiskWriter disk = writer.disk(DISK, ByteSize.ofBytes(CHUNK));
            assertThat(disk.writeWhole(0, CHUNK, to -> to.put((byte) 1))).isTrue();
            assertThatThrownBy(disk::awaitFilled).hasMessageContaining("was not filled");
        }
        assertThat(repository.list("default")).isEmpty();
    }
}
