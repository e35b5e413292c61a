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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The index saves reading the packs, and nothing hangs on it. */
class IndexTest {
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
    private static final int SIZE = 10_000;

    @TempDir
    private Path directory;

    private Layout layout;
    private Repository repository;

    @BeforeEach
    void make() throws IOException {
        layout = new Layout(directory.resolve("repository"));
        Repository.init(layout.root());
        repository = Repository.open(layout.root());
    }

    private static byte[] content(int seed) {
        byte[] bytes = new byte[SIZE];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private SnapshotId backup(int seed) throws IOException {
        try (SnapshotWriter writer =
                repository.write("default", GuestType.QEMU, new Vmid(100), TIME.plusSeconds(seed))) {
            writer.disk(DISK, ByteSize.ofBytes(SIZE)).write(0, ByteBuffer.wrap(content(seed)));
            return writer.publish(RawConfig.of(new byte[0]), null).id();
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

    private static void flip(Path file, long place) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.seek(place);
            int value = bytes.read();
            bytes.seek(place);
            bytes.write(value ^ 4);
        }
    }

    @Test
    void noFooterIsReadOfAPackThatTheIndexNames() throws IOException {
        SnapshotId id = backup(1);
        Path pack = layout.pack(layout.packNames().getFirst());
        flip(pack, Files.size(pack) - 30);

        assertThat(restored(id)).as("its footer is damaged").isEqualTo(content(1));
        assertThat(backup(2)).isNotNull();
        assertThat(layout.packNames()).hasSize(2);
        Files.delete(IndexFile.all(layout).getFirst());
        try (ChunkIndex index = ChunkIndex.load(layout, Set.of())) {
            assertThat(index.unnamed()).as("without the index").hasSize(1);
        }
    }

    @Test
    void aPackWithADamagedFooterDoesNotStopBackupsAndIsStoredAgain() throws IOException {
        SnapshotId id = backup(1);
        Path pack = layout.pack(layout.packNames().getFirst());
        byte[] sound = Files.readAllBytes(pack);
        flip(pack, sound.length - 30);
        Files.delete(IndexFile.all(layout).getFirst());
        assertThat(repository.verify().snapshots()).containsOnlyKeys(id);

        repository.forget(id);
        SnapshotId again = backup(1);

        assertThat(restored(again)).isEqualTo(content(1));
        assertThat(Files.readAllBytes(pack)).isEqualTo(sound);
    }

    @Test
    void aMissingIndexIsMadeByTheNextBackup() throws IOException {
        SnapshotId first = backup(1);
        SnapshotId second = backup(2);
        for (Path file : IndexFile.all(layout)) {
            Files.delete(file);
        }
        Files.delete(layout.indexes());
        assertThat(restored(first)).isEqualTo(content(1));

        SnapshotId third = backup(1_000);

        assertThat(named()).containsExactlyInAnyOrderElementsOf(layout.packNames());
        assertThat(restored(second)).isEqualTo(content(2));
        assertThat(restored(third)).isEqualTo(content(1_000));
    }

    private List<String> named() throws IOException {
        List<String> names = new ArrayList<>();
        for (Path path : IndexFile.all(layout)) {
            try (IndexFile file = IndexFile.open(path)) {
                names.addAll(file.packs());
            }
        }
        return names;
    }

    @Test
    void filesOfTheIndexStayFew() throws IOException {
        for (int seed = 0; seed < 40; seed++) {
            backup(seed);
            assertThat(IndexFile.all(layout)).hasSizeLessThan(8);
        }

        assertThat(named()).containsExactlyInAnyOrderElementsOf(layout.packNames());
        repository.collect();
        assertThat(IndexFile.all(layout)).hasSize(1);
        assertThat(named()).containsExactlyInAnyOrderElementsOf(layout.packNames());
        for (SnapshotId id : repository.list("default")) {
            int seed = (int) (id.time().getEpochSecond() - TIME.getEpochSecond());
            assertThat(restored(id)).isEqualTo(content(seed));
        }
    }

    @Test
    void packsThatAreGoneAreForgotten() throws IOException {
        SnapshotId first = backup(1);
        SnapshotId second = backup(2);
        repository.forget(first);

        assertThat(repository.collect().packs()).isEqualTo(1);

        assertThat(named()).containsExactlyElementsOf(layout.packNames());
        assertThat(restored(second)).isEqualTo(content(2));
        assertThat(restored(backup(1))).as("it is stored again").isEqualTo(content(1));
    }

    @Test
    void aFlippedBitAnywhereIsFoundAndHurtsNobody() throws IOException {
        SnapshotId id = backup(1);
        backup(2);
        repository.collect();
        Path file = IndexFile.all(layout).getFirst();
        byte[] sound = Files.readAllBytes(file);
        for (int place = 0; place < sound.length; place++) {
            byte[] damaged = sound.clone();
            damaged[place] ^= (byte) (1 << place % 8);
            Files.write(file, damaged);
            for (int small : new int[] {0, 1000}) {
                try (ChunkIndex index = ChunkIndex.load(layout, Set.of(), small)) {
                    for (String pack : layout.packNames()) {
                        for (PackEntry entry : Pack.read(layout.pack(pack))) {
                            assertThat(index.find(entry.id()))
                                    .as("a flip at %s", place)
                                    .contains(new ChunkIndex.Place(pack, entry.offset(), entry.stored()));
                        }
                    }
                }
            }
        }
        flip(file, sound.length / 2);
        Verifier.Verified verified = repository.verify();
        assertThat(verified.indexes()).containsOnlyKeys(file.getFileName().toString());
        assertThat(verified.snapshots()).isEmpty();
        assertThat(restored(id)).isEqualTo(content(1));

        backup(3);
        repository.collect();

        assertThat(repository.verify().isSound()).isTrue();
        assertThat(named()).containsExactlyInAnyOrderElementsOf(layout.packNames());
    }

    /** {@code -Dtenon.chunks=10000000} for the limit. */
    @Test
    void chunksOfALargeIndexAreFoundWithoutHoldingThem() throws IOException {
        int chunks = Integer.getInteger("tenon.chunks", 50_000);
        int perPack = 16;
        Files.createDirectories(layout.indexes());
        Map<String, List<PackEntry>> batch = new HashMap<>();
        long begin = System.nanoTime();
        try (Lease lease = Lease.take(layout, Lease.Kind.WRITE)) {
            for (int pack = 0; pack < chunks / perPack; pack++) {
                PackEntry[] entries = new PackEntry[perPack];
                for (int i = 0; i < perPack; i++) {
                    entries[i] = new PackEntry(id(pack * perPack + i), ChunkKind.DATA, 8 + i, 4, 4);
                }
                String name = String.format("%064x", pack);
                Layout.makeDirectory(Layout.parent(layout.pack(name)));
                Files.createFile(layout.pack(name));
                batch.put(name, List.of(entries));
                if (batch.size() == 4096) {
                    Indexes.publish(layout, lease, batch);
                    batch.clear();
                }
            }
            Indexes.publish(layout, lease, batch);
        }
        told("written and merged", begin);
        begin = System.nanoTime();
        Indexes.compact(layout);
        told("compacted", begin);
        System.gc();
        long before = used();
        begin = System.nanoTime();
        try (ChunkIndex index = ChunkIndex.load(layout, Set.of(), 1 << 10)) {
            told("opened", begin);
            System.gc();
            long held = used() - before;
            System.err.println("held: " + (held >> 20) + " MiB");
            assertThat(index.unnamed()).isEmpty();
            begin = System.nanoTime();
            for (int i = 0; i < 100_000; i++) {
                int chunk = (int) (i * 7919L % ((long) chunks / perPack * perPack));
                ChunkIndex.Place place = index.find(id(chunk)).orElseThrow();
                assertThat(place.offset()).isEqualTo(8 + chunk % perPack);
                assertThat(Integer.parseInt(place.pack(), 16)).isEqualTo(chunk / perPack);
                if (index.contains(id(-1 - i))) {
                    throw new AssertionError("a chunk that is not there");
                }
            }
            told("200,000 looked for", begin);
            assertThat(held).isLessThan((16L << 20) + 20L * chunks);
        }
    }

    private static ChunkId id(int number) {
        byte[] bytes = ByteBuffer.allocate(4).putInt(number).array();
        return ChunkId.of(bytes, 4);
    }

    private static long used() {
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    private static void told(String what, long since) {
        System.err.println(what + ": " + (System.nanoTime() - since) / 1_000_000 + " ms");
    }
}
