package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.GuestType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One flipped bit in any file; {@code -Dtenon.flips=200} for as many places of each kind, by seed. */
class BitFlipsTest {
    private static final int FLIPS = Integer.getInteger("tenon.flips", 12);

    @TempDir
    private Path directory;

    private Path place;
    private Layout layout;
    private Repository repository;
    private final Random random = new Random(17);

    /** All snapshots, each with the chunks that it needs. */
    private Map<SnapshotId, ChunkSet> needs = Map.of();

    @BeforeEach
    void make() throws IOException {
        place = directory.resolve("repository");
        layout = new Layout(place);
        Repository.init(place);
        repository = Repository.open(place);
        // Two of them have chunks in common.
        for (int seed = 3; seed < 6; seed++) {
            Work.disk(repository, new Vmid(100 + seed), seed);
            Work.tree(repository, new Vmid(200 + seed), seed);
        }
        try (ChunkReader reader =
                new ChunkReader(layout, ChunkIndex.load(layout, Set.of()), new Packer.Pool(DiskTable.CHUNK, null))) {
            Map<SnapshotId, ChunkSet> found = new java.util.TreeMap<>();
            for (SnapshotId id : repository.list("default")) {
                ChunkSet live = new ChunkSet();
                Marks.of(repository.find(id).orElseThrow(), reader, live, new ChunkSet());
                found.put(id, live);
            }
            needs = found;
        }
    }

    @AfterEach
    void close() {
        repository.close();
    }

    private interface Check {
        void at(Path file, long place) throws IOException;
    }

    private void flips(List<Path> files, Check check) throws IOException {
        flips(FLIPS, files, check);
    }

    private void flips(int count, List<Path> files, Check check) throws IOException {
        assertThat(files).isNotEmpty();
        for (int i = 0; i < count; i++) {
            Path file = files.get(random.nextInt(files.size()));
            long at = random.nextLong(Files.size(file));
            int bit = 1 << random.nextInt(8);
            flip(file, at, bit);
            check.at(file, at);
            flip(file, at, bit);
        }
    }

    private static void flip(Path file, long at, int bit) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.seek(at);
            int value = bytes.read();
            bytes.seek(at);
            bytes.write(value ^ bit);
        }
    }

    private List<Path> files(String extension) throws IOException {
        try (Stream<Path> all = Files.walk(place)) {
            return all.filter(file -> file.toString().endsWith(extension))
                    .sorted()
                    .toList();
        }
    }

    /** Snapshots that are not hurt come back; of others not one wrong byte comes. */
    private void restored(Set<SnapshotId> hurt, String what) throws IOException {
        for (SnapshotId id : needs.keySet()) {
            try {
                assertThat(Work.isGood(repository, id)).as("%s: %s", what, id).isTrue();
            } catch (BadRepositoryException e) {
                assertThat(hurt).as("%s: %s", what, e.getMessage()).contains(id);
            }
        }
    }

    @Test
    void inAPackItIsFoundAndNamesWhomItHurts() throws IOException {
        flips(files(Layout.PACK), (file, at) -> {
            String what = file.getFileName() + " at " + at;
            String pack = file.getFileName().toString().replace(Layout.PACK, "");
            Set<SnapshotId> hurt = new TreeSet<>();
            List<PackEntry> entries = new ArrayList<>();
            try {
                entries = Pack.read(file);
                for (PackEntry entry : entries) {
                    if (at >= entry.offset() && at < entry.offset() + Pack.CHUNK_HEADER + entry.stored()) {
                        hurt.addAll(whoNeeds(List.of(entry)));
                    }
                }
            } catch (BadRepositoryException e) {
                hurt.addAll(needs.keySet());
            }
            Verifier.Verified verified = repository.verify();
            assertThat(verified.packs()).as(what).containsOnlyKeys(pack);
            if (entries.isEmpty()) {
                assertThat(verified.snapshots()).as(what).isNotEmpty();
            } else {
                assertThat(verified.snapshots().keySet()).as(what).isEqualTo(hurt);
            }
            restored(hurt, what);
        });
        assertThat(repository.verify().isSound()).isTrue();
    }

    private Set<SnapshotId> whoNeeds(List<PackEntry> entries) {
        return needs.entrySet().stream()
                .filter(each ->
                        entries.stream().anyMatch(entry -> each.getValue().contains(entry.id())))
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    @Test
    void inAnIndexItIsFoundAndHurtsNobody() throws IOException {
        flips(files(IndexFile.EXTENSION), (file, at) -> {
            Verifier.Verified verified = repository.verify();
            assertThat(verified.indexes())
                    .as("at %s", at)
                    .containsOnlyKeys(file.getFileName().toString());
            assertThat(verified.snapshots()).as("at %s", at).isEmpty();
            restored(Set.of(), "index at " + at);
        });
    }

    @Test
    void inARecordItIsFoundAndNothingIsCollected() throws IOException {
        flips(files(SnapshotId.EXTENSION), (file, at) -> {
            SnapshotId id = SnapshotId.of(layout.snapshots().relativize(file));
            assertThat(repository.verify().snapshots()).as("at %s", at).containsOnlyKeys(id);
            restored(Set.of(id), "record at " + at);
        });
    }

    @Test
    void inTheBaseItIsNoBase() throws IOException {
        SnapshotId id = needs.keySet().iterator().next();
        repository.setBase(id, "keep");
        assertThat(repository.base("default", id.type(), id.guest(), "keep")).isPresent();
        flips(
                files("base.keep"),
                (_, at) -> assertThat(repository.base("default", id.type(), id.guest(), "keep"))
                        .as("at %s", at)
                        .isEmpty());
    }

    @Test
    void inTheListOfCondemnedPacksItEndsThatListOnly() throws IOException {
        SnapshotId gone = needs.keySet().iterator().next();
        repository.forget(gone);
        needs = needs.entrySet().stream()
                .filter(each -> !each.getKey().equals(gone))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
        try (SnapshotWriter writer = Work.begin(repository, GuestType.QEMU, new Vmid(300), 9)) {
            repository.collect();
            Condemned whole = Condemned.all(layout).getFirst();
            assertThat(whole.isComplete()).isTrue();
            flips(files(".condemned"), (_, at) -> {
                Condemned read = Condemned.all(layout).getFirst();
                assertThat(read.isComplete()).as("at %s", at).isFalse();
            });
            flip(whole.file(), 7, 2);
            assertThat(repository.collect().packs())
                    .as("while somebody counts on them")
                    .isZero();
            Work.finishDisk(writer, Objects.requireNonNull(gone).time().getEpochSecond());
        }
        repository.collect();
        restored(Set.of(), "after collecting");
        assertThat(repository.verify().isSound()).isTrue();
    }

    @Test
    void inTheHeadTheRepositoryIsRefusedOrAsBefore() throws IOException {
        flips(List.of(layout.header()), (_, at) -> {
            try (Repository other = Repository.open(place)) {
                for (SnapshotId id : needs.keySet()) {
                    assertThat(Work.isGood(other, id)).as("at %s", at).isTrue();
                }
            } catch (IOException e) {
                assertThat(e).as("at %s", at).hasMessageContaining("repository");
            }
        });
    }

    /** Opening what is sealed takes longer. */
    private static final int SEALED_FLIPS = Math.ceilDiv(FLIPS, 4);

    private Unlocking.KeyFile guard() throws IOException {
        Unlocking.KeyFile key = Unlocking.KeyFile.generate();
        repository.close();
        place = directory.resolve("guarded");
        layout = new Layout(place);
        Repository.init(place, new RepositoryOptions(Map.of("one", key, "two", Unlocking.KeyFile.generate()), 10));
        repository = Repository.open(place, key);
        Set<SnapshotId> made = new TreeSet<>();
        made.add(Work.tree(repository, new Vmid(101), 4).id());
        needs = made.stream().collect(Collectors.toMap(id -> id, _ -> new ChunkSet()));
        return key;
    }

    @Test
    void inAKeyNobodyElseIsKeptOut() throws IOException {
        Unlocking.KeyFile key = guard();
        flips(SEALED_FLIPS, files(KeySlot.EXTENSION), (file, at) -> {
            String what = file.getFileName() + " at " + at;
            try (Repository other = Repository.open(place, key)) {
                assertThat(other.keys().slots()).as(what).hasSize(2);
                assertThat(Work.isGood(other, needs.keySet().iterator().next()))
                        .as(what)
                        .isTrue();
            } catch (StorageException e) {
                assertThat(e.error()).as(what).isEqualTo(StorageError.PERMISSION_DENIED);
                assertThat(file.getFileName().toString()).as(what).isEqualTo("one.key");
            }
        });
    }

    @Test
    void inParityItIsFoundAndMadeAnew() throws IOException {
        guard();
        flips(SEALED_FLIPS, files(".parity"), (file, at) -> {
            String what = file.getFileName() + " at " + at;
            String pack = file.getFileName().toString().replace(".parity", "");
            Verifier.Verified verified = repository.verify();
            assertThat(verified.parities()).as(what).containsOnlyKeys(pack);
            assertThat(verified.packs()).as(what).isEmpty();
            assertThat(verified.snapshots()).as(what).isEmpty();
            byte[] hurt = Files.readAllBytes(file);
            assertThat(repository.repair().parities()).as(what).containsExactly(pack);
            Files.write(file, hurt);
        });
        assertThat(repository.verify().isSound()).isTrue();
    }

    @Test
    void inAPackOfAnEncryptedRepositoryItIsFoundAndRepaired() throws IOException {
        guard();
        flips(SEALED_FLIPS, files(Layout.PACK), (file, at) -> {
            String what = file.getFileName() + " at " + at;
            String pack = file.getFileName().toString().replace(Layout.PACK, "");
            byte[] hurt = Files.readAllBytes(file);
            Verifier.Verified verified = repository.verify();
            assertThat(verified.packs()).as(what).containsOnlyKeys(pack);
            restored(verified.snapshots().keySet(), what);
            assertThat(repository.repair().repaired()).as(what).containsExactly(pack);
            Files.write(file, hurt);
        });
        assertThat(repository.verify().isSound()).isTrue();
    }

    @Test
    void inARecordOfAnEncryptedRepositoryItIsFound() throws IOException {
        guard();
        flips(SEALED_FLIPS, files(SnapshotId.EXTENSION), (file, at) -> {
            SnapshotId id = SnapshotId.of(layout.snapshots().relativize(file));
            assertThat(repository.verify().snapshots()).as("at %s", at).containsOnlyKeys(id);
            restored(Set.of(id), "record at " + at);
        });
    }
}
