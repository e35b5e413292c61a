package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is damaged is stored again by the next backup that has it, once verifying has found it. */
class HealingTest {
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
    private static final RawConfig CONFIG = RawConfig.of(new byte[] {'x'});
    private static final int SIZE = 2 * DiskTable.CHUNK + 1000;

    @TempDir
    private Path directory;

    private Repository repository;
    private Layout layout;

    @BeforeEach
    void make() throws IOException {
        Path place = directory.resolve("repository");
        Repository.init(place);
        repository = Repository.open(place);
        layout = new Layout(place);
    }

    @AfterEach
    void close() {
        repository.close();
    }

    /** What is flipped. */
    enum Damage {
        CHUNK,
        LEAF,
        FOOTER
    }

    private static byte[] content(int seed) {
        byte[] bytes = new byte[SIZE];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private SnapshotWriter begin(int seconds) throws IOException {
        return repository.write("default", GuestType.QEMU, new Vmid(100), TIME.plusSeconds(seconds));
    }

    private static Snapshot finish(SnapshotWriter writer, byte[] content) throws IOException {
        writer.disk(DISK, ByteSize.ofBytes(content.length)).write(0, ByteBuffer.wrap(content));
        return writer.publish(CONFIG, null);
    }

    private Snapshot backup(int seconds, byte[] content) throws IOException {
        try (SnapshotWriter writer = begin(seconds)) {
            return finish(writer, content);
        }
    }

    private byte[] restored(SnapshotId id) throws IOException {
        try (RepositoryReader reader = repository.read()) {
            DiskReader disk = reader.disk(reader.find(id).orElseThrow(), DISK).orElseThrow();
            ByteBuffer bytes = ByteBuffer.allocate(SIZE);
            disk.read(0, bytes);
            return bytes.array();
        }
    }

    private void flip(String pack, long place) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(layout.pack(pack).toFile(), "rw")) {
            file.seek(place);
            int value = file.read();
            file.seek(place);
            file.write(value ^ 1);
        }
    }

    private void damage(String pack, Damage damage) throws IOException {
        switch (damage) {
            case FOOTER -> flip(pack, Files.size(layout.pack(pack)) - 30);
            case CHUNK, LEAF -> {
                ChunkKind kind = damage == Damage.LEAF ? ChunkKind.TABLE : ChunkKind.DATA;
                for (PackEntry entry : Pack.read(layout.pack(pack))) {
                    if (entry.kind() == kind) {
                        flip(pack, entry.offset() + Pack.CHUNK_HEADER + entry.stored() / 2);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatVerifyingFoundIsStoredAgainAndThenCollected(Damage damage) throws IOException {
        byte[] content = content(1);
        Snapshot first = backup(0, content);
        String pack = layout.packNames().getFirst();
        damage(pack, damage);
        Verifier.Verified verified = repository.verify();
        assertThat(verified.packs()).containsOnlyKeys(pack);
        assertThat(verified.snapshots()).containsOnlyKeys(first.id());

        Snapshot second = backup(1, content);

        assertThat(second.stored().bytes()).isPositive();
        assertThat(repository.verify().snapshots()).isEmpty();
        assertThat(restored(first.id())).isEqualTo(content);
        assertThat(restored(second.id())).isEqualTo(content);
        repository.collect();
        assertThat(repository.verify().isSound()).isTrue();
        assertThat(Layout.entries(layout.damaged())).isEmpty();
        assertThat(restored(first.id())).isEqualTo(content);
    }

    @Test
    void aGoodChunkInADamagedPackIsNotStoredAgain() throws IOException {
        byte[] content = content(2);
        backup(0, content);
        damage(layout.packNames().getFirst(), Damage.LEAF);
        repository.verify();

        assertThat(backup(1, content).stored().bytes()).isLessThan(1000);
    }

    @Test
    void nothingOfADamagedBaseIsTakenForGood() throws IOException {
        Snapshot first = backup(0, content(3));
        damage(layout.packNames().getFirst(), Damage.CHUNK);
        try (RepositoryReader reader = repository.read()) {
            Snapshot.Disk disk = Objects.requireNonNull(first.disks().get(DISK));
            assertThat(reader.isWhole(disk)).as("nobody knows yet").isTrue();
        }
        repository.verify();

        try (RepositoryReader reader = repository.read()) {
            Snapshot.Disk disk = Objects.requireNonNull(first.disks().get(DISK));
            assertThat(reader.isWhole(disk)).isFalse();
        }
    }

    @Test
    void aSampleDoesNotForgetWhatIsDamaged() throws IOException {
        byte[] content = content(4);
        Snapshot first = backup(0, content);
        damage(layout.packNames().getFirst(), Damage.CHUNK);
        repository.verify();

        assertThat(repository.verify(1e-9).snapshots()).containsOnlyKeys(first.id());
        assertThat(backup(1, content).stored().bytes()).isGreaterThan(2L * DiskTable.CHUNK);
    }

    @Test
    void whatIsGoodAgainCountsAgain() throws IOException {
        byte[] content = content(5);
        backup(0, content);
        String pack = layout.packNames().getFirst();
        damage(pack, Damage.CHUNK);
        repository.verify();
        damage(pack, Damage.CHUNK);

        assertThat(repository.verify().isSound()).isTrue();
        assertThat(backup(1, content).stored().bytes()).isZero();
    }

    /** Neither a reader nor a collector takes the bad one of two copies, whether verifying has told of it or not. */
    @Test
    void ofTwoCopiesTheGoodOneIsReadAndKept() throws IOException {
        byte[] content = content(6);
        try (SnapshotWriter one = begin(0);
                SnapshotWriter other = begin(1)) {
            one.disk(DISK, ByteSize.ofBytes(SIZE)).write(0, ByteBuffer.wrap(content));
            other.disk(new DeviceName("drive-scsi1"), ByteSize.ofBytes(DiskTable.CHUNK))
                    .write(0, ByteBuffer.wrap(content(7), 0, DiskTable.CHUNK));
            other.disk(DISK, ByteSize.ofBytes(SIZE)).write(0, ByteBuffer.wrap(content));
            one.publish(CONFIG, null);
            other.publish(CONFIG, null);
        }
        SnapshotId first = repository.list("default").getFirst();
        assertThat(layout.packNames()).hasSize(2);
        for (String pack : layout.packNames()) {
            damage(pack, Damage.CHUNK);
            assertThat(restored(first)).isEqualTo(content);
            damage(pack, Damage.CHUNK);
        }
        String bad = layout.packNames().stream()
                .min((a, b) -> Long.compare(
                        layout.pack(a).toFile().length(),
                        layout.pack(b).toFile().length()))
                .orElseThrow();
        damage(bad, Damage.CHUNK);
        repository.verify();
        repository.collect();

        assertThat(layout.packNames()).doesNotContain(bad);
        assertThat(restored(first)).isEqualTo(content);
        assertThat(repository.verify().isSound()).isTrue();
    }

    @Test
    void aDamagedChunkIsNotCopiedToWhereItWouldBeTakenForGood() throws IOException {
        byte[] big = new byte[6 * DiskTable.CHUNK];
        new Random(8).nextBytes(big);
        Snapshot first = backup(0, big);
        byte[] content = content(9);
        System.arraycopy(big, 0, content, 0, DiskTable.CHUNK);
        Snapshot second = backup(1, content);
        for (String pack : layout.packNames()) {
            if (Files.size(layout.pack(pack)) > 5L * DiskTable.CHUNK) {
                damage(pack, Damage.CHUNK);
            }
        }
        repository.forget(first.id());

        repository.collect();

        assertThat(repository.verify().snapshots()).containsOnlyKeys(second.id());
        assertThatThrownBy(() -> restored(second.id())).isInstanceOf(BadRepositoryException.class);
        Snapshot third = backup(2, content);
        assertThat(third.stored().bytes()).isBetween((long) DiskTable.CHUNK, DiskTable.CHUNK + 10_000L);
        repository.verify();
        repository.collect();
        assertThat(repository.verify().isSound()).isTrue();
        assertThat(restored(second.id())).isEqualTo(content);
    }

    @Test
    void ofTwoCopiesTheOneIsReadThatCanBeRead() throws IOException {
        byte[] content = content(10);
        try (SnapshotWriter one = begin(0);
                SnapshotWriter other = begin(1)) {
            other.disk(new DeviceName("drive-scsi1"), ByteSize.ofBytes(DiskTable.CHUNK))
                    .write(0, ByteBuffer.wrap(content(11), 0, DiskTable.CHUNK));
            finish(one, content);
            finish(other, content);
        }
        SnapshotId first = repository.list("default").getFirst();
        assertThat(layout.packNames()).hasSize(2);
        for (String pack : layout.packNames()) {
            Path away = directory.resolve("away");
            Files.move(layout.pack(pack), away);
            Files.createDirectory(layout.pack(pack));
            assertThat(restored(first)).isEqualTo(content);
            Files.delete(layout.pack(pack));
            Files.move(away, layout.pack(pack));
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsDamagedInAnEncryptedRepositoryIsStoredAgain(Damage damage) throws IOException {
        Path place = directory.resolve("encrypted");
        Unlocking.KeyFile key = Unlocking.KeyFile.generate();
        Repository.init(place, new RepositoryOptions(Map.of("k", key), 10));
        repository.close();
        repository = Repository.open(place, key);
        layout = new Layout(place);
        byte[] content = content(12);
        Snapshot first = backup(0, content);
        String pack = layout.packNames().getFirst();
        damage(pack, damage);
        assertThat(repository.verify().packs()).containsOnlyKeys(pack);

        assertThat(backup(1, content).stored().bytes()).isPositive();

        assertThat(repository.verify().snapshots()).isEmpty();
        assertThat(restored(first.id())).isEqualTo(content);
        repository.collect();
        assertThat(repository.verify().isSound()).isTrue();
        assertThat(Layout.entries(layout.damaged())).isEmpty();
    }
}
