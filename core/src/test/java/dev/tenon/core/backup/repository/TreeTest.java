package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files of containers in a repository. */
class TreeTest {
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
    private static final RawConfig CONFIG = RawConfig.of(new byte[] {'x'});

    @TempDir
    private Path directory;

    private Repository repository;

    @BeforeEach
    void make() throws IOException {
        Repository.init(directory.resolve("repository"));
        repository = Repository.open(directory.resolve("repository"));
    }

    @AfterEach
    void close() {
        repository.close();
    }

    private static TreeEntry entry(String path, TreeEntry.Kind kind, String target, Map<String, byte[]> attributes) {
        return new TreeEntry(
                path,
                kind,
                04755,
                4_294_967_294L,
                33,
                -5,
                999_999_999,
                new TreeEntry.Known(7, 8, 9),
                8,
                1,
                target,
                new TreeMap<>(attributes),
                TreeEntry.Content.NONE);
    }

    private static TreeEntry file(String path) {
        return entry(path, TreeEntry.Kind.FILE, "", Map.of());
    }

    /** Bytes of which those from a hole to its end are one. */
    private static final class Bytes implements TreeWriter.Source {
        private final byte[] bytes;
        private final long hole;
        private final long holeEnd;
        private final int most;

        Bytes(byte[] bytes) {
            this(bytes, bytes.length, bytes.length, 777_777);
        }

        Bytes(byte[] bytes, long hole, long holeEnd, int most) {
            this.bytes = bytes;
            this.hole = hole;
            this.holeEnd = holeEnd;
            this.most = most;
        }

        @Override
        public long nextData(long offset) {
            long data = offset >= hole && offset < holeEnd ? holeEnd : offset;
            return data < bytes.length ? data : -1;
        }

        @Override
        public long nextHole(long offset) {
            return offset < hole ? hole : bytes.length;
        }

        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public int read(long offset, byte[] to, int at, int length) {
            int count = Math.min(Math.min(length, most), (int) (bytes.length - offset));
            System.arraycopy(bytes, (int) offset, to, at, count);
            return count;
        }
    }

    /** Bytes of which 4 KiB are data, and 4 KiB a hole, in turns. */
    private static final class Striped implements TreeWriter.Source {
        private final byte[] bytes;

        Striped(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public long nextData(long offset) {
            long data = offset % 8192 < 4096 ? offset : (offset / 8192 + 1) * 8192;
            return data < bytes.length ? data : -1;
        }

        @Override
        public long nextHole(long offset) {
            return offset / 8192 * 8192 + 4096;
        }

        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public int read(long offset, byte[] to, int at, int length) {
            System.arraycopy(bytes, (int) offset, to, at, length);
            return length;
        }
    }

    private static byte[] striped(int pieces) {
        byte[] pattern = random(3, 4096);
        byte[] bytes = new byte[pieces / 2 * 8192];
        for (int at = 0; at < bytes.length; at += 8192) {
            System.arraycopy(pattern, 0, bytes, at, 4096);
            bytes[at] = (byte) (at >> 13);
            bytes[at + 1] = (byte) (at >> 21);
        }
        return bytes;
    }

    private static byte[] random(int seed, int size) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** Something that writes a tree. */
    private interface Writing {
        void to(TreeWriter tree) throws IOException;
    }

    private Snapshot backup(int seconds, Writing writing) throws IOException {
        try (SnapshotWriter writer =
                repository.write("default", GuestType.LXC, new Vmid(101), TIME.plusSeconds(seconds))) {
            writing.to(writer.tree());
            return writer.publish(CONFIG, null);
        }
    }

    private byte[] content(Snapshot snapshot, String path) throws IOException {
        try (RepositoryReader reader = repository.read()) {
            TreeReader tree = reader.tree(snapshot).orElseThrow();
            FileContent content = tree.content(tree.find(path).orElseThrow());
            ByteBuffer bytes = ByteBuffer.allocate((int) content.size());
            for (int at = 0; at < bytes.capacity(); at += 1_000_003) {
                content.read(at, bytes.duplicate().position(at).limit(Math.min(bytes.capacity(), at + 1_000_003)));
            }
            return bytes.array();
        }
    }

    @Test
    void whateverATreeHasComesBack() throws IOException {
        byte[] big = random(1, 20 << 20);
        byte[] holey = random(2, 9 << 20);
        Arrays.fill(holey, 1 << 20, 8 << 20, (byte) 0);
        Map<String, byte[]> attributes = Map.of("user.note", new byte[] {0, (byte) 0xff}, "security.x", new byte[0]);
        Snapshot snapshot = backup(0, tree -> {
            tree.add(entry("", TreeEntry.Kind.DIRECTORY, "", attributes));
            tree.add(file("a"), new Bytes(big));
            tree.add(entry("d", TreeEntry.Kind.DIRECTORY, "", Map.of()));
            tree.add(file("d/empty"), new Bytes(new byte[0]));
            tree.add(file("d/holey"), new Bytes(holey, 1 << 20, 8 << 20, 1 << 20));
            tree.add(entry("d/link", TreeEntry.Kind.HARD_LINK, "a", Map.of()));
            tree.add(entry("d.x", TreeEntry.Kind.CHARACTER_DEVICE, "", Map.of()));
            tree.add(entry("odd\n\u00ff", TreeEntry.Kind.SYMBOLIC_LINK, "to\u00fe", Map.of()));
        });

        Snapshot found = repository.find(snapshot.id()).orElseThrow();
        assertThat(found).isEqualTo(snapshot);
        assertThat(Objects.requireNonNull(found.tree()).entries()).isEqualTo(8);
        assertThat(content(found, "a")).isEqualTo(big);
        assertThat(content(found, "d/holey")).isEqualTo(holey);
        assertThat(content(found, "d/empty")).isEmpty();
        assertThat(found.stored().bytes()).as("no hole is stored").isBetween(22L << 20, (22L << 20) + (100 << 10));
        try (RepositoryReader reader = repository.read()) {
            TreeReader tree = reader.tree(found).orElseThrow();
            TreeEntry root = tree.find("").orElseThrow();
            assertThat(root.attributes())
                    .hasSize(2)
                    .hasEntrySatisfying("user.note", value -> assertThat(value).isEqualTo(new byte[] {0, (byte) 0xff}));
            TreeEntry odd = tree.find("odd\n\u00ff").orElseThrow();
            assertThat(odd)
                    .usingRecursiveComparison()
                    .isEqualTo(entry("odd\n\u00ff", TreeEntry.Kind.SYMBOLIC_LINK, "to\u00fe", Map.of()));
            assertThat(tree.find("d/none")).isEmpty();
            assertThat(tree.content(tree.find("d/holey").orElseThrow()).data())
                    .containsExactly(new FileContent.Data(0, 1 << 20), new FileContent.Data(8 << 20, 1 << 20));
        }
        assertThat(repository.verify().isSound()).isTrue();
    }

    @Test
    void aFileOfManyPiecesHasThemInLists() throws IOException {
        // as many small data as two lists and a half have pieces
        int pieces = TreeWriter.LIST * 5 / 2;
        byte[] bytes = striped(pieces);
        Snapshot snapshot = backup(0, tree -> tree.add(file("f"), new Striped(bytes)));

        assertThat(content(snapshot, "f")).isEqualTo(bytes);
        try (RepositoryReader reader = repository.read()) {
            TreeReader tree = reader.tree(snapshot).orElseThrow();
            TreeEntry file = tree.find("f").orElseThrow();
            assertThat(file.content().isLong()).isTrue();
            assertThat(file.content().pieces()).hasSize(3);
            assertThat(tree.content(file).data()).hasSize(pieces / 2);
        }
        repository.collect();
        assertThat(content(snapshot, "f")).as("lists are marked").isEqualTo(bytes);
    }

    /** The bytes of a file are a chunk without what they would name if they were a list. */
    @Test
    void aFileThatIsTheListOfAnotherHidesNothingFromTheCollector() throws IOException {
        byte[] bytes = striped(TreeWriter.LIST * 5 / 2);
        Snapshot later = backup(1, tree -> tree.add(file("f"), new Striped(bytes)));
        byte[] list;
        try (RepositoryReader reader = repository.read()) {
            TreeReader tree = reader.tree(later).orElseThrow();
            TreeEntry.Piece first =
                    tree.find("f").orElseThrow().content().pieces().getFirst();
            list = reader.chunks().read(first.id());
        }
        Snapshot earlier = backup(0, tree -> tree.add(file("same"), new Bytes(list)));
        assertThat(content(earlier, "same")).isEqualTo(list);

        repository.collect();

        assertThat(content(later, "f")).isEqualTo(bytes);
        assertThat(repository.verify().isSound()).isTrue();
    }

    @Test
    void anyPathOfManyIsFoundAndAChangeOfOneStoresLittle() throws IOException {
        List<String> paths = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            paths.add("d" + i / 100 % 7 + "/e" + i / 1000 + "/file-" + i);
        }
        paths.sort(TreeEntry::compare);
        Writing writing = tree -> {
            for (String path : paths) {
                tree.add(file(path), new Bytes(path.substring(0, 5).getBytes(StandardCharsets.ISO_8859_1)));
            }
        };
        Snapshot first = backup(0, writing);
        Snapshot second = backup(1, tree -> {
            for (String path : paths) {
                tree.add(
                        path.equals(paths.get(7_777)) ? entry(path, TreeEntry.Kind.PIPE, "", Map.of()) : file(path),
                        new Bytes(path.substring(0, 5).getBytes(StandardCharsets.ISO_8859_1)));
            }
        });

        assertThat(Objects.requireNonNull(first.tree()).chunks()).isBetween(10, 200);
        assertThat(second.stored().bytes()).isLessThan(first.stored().bytes() / 5);
        try (RepositoryReader reader = repository.read()) {
            TreeReader tree = reader.tree(second).orElseThrow();
            for (int i = 0; i < paths.size(); i += 333) {
                assertThat(tree.find(paths.get(i))).isPresent();
            }
            TreeReader.Cursor cursor = tree.from("d3");
            assertThat(Objects.requireNonNull(cursor.next()).path()).startsWith("d3/");
            assertThat(reader.tree(first).orElseThrow().from("zzz").next()).isNull();
        }
        assertThat(repository.statistics().guests().getFirst().snapshots()).isEqualTo(2);
    }

    @Test
    void whatOnlyForgottenTreesNeedIsCollectedAndTheRestStays() throws IOException {
        byte[] kept = random(5, 3 << 20);
        Snapshot first = backup(0, tree -> {
            tree.add(file("gone"), new Bytes(random(6, 30 << 20)));
            tree.add(file("kept"), new Bytes(kept));
        });
        Snapshot second = backup(1, tree -> tree.add(file("kept"), new Bytes(kept)));

        repository.forget(first.id());
        Collector.Collected collected = repository.collect();

        assertThat(collected.freed().bytes()).isGreaterThan(30L << 20);
        assertThat(content(second, "kept")).isEqualTo(kept);
        assertThat(repository.verify().isSound()).isTrue();
    }

    @Test
    void aCopyInAnotherRepositoryIsGoodByItself() throws IOException {
        byte[] bytes = striped(200);
        Snapshot snapshot = backup(0, tree -> {
            tree.add(entry("", TreeEntry.Kind.DIRECTORY, "", Map.of()));
            tree.add(file("f"), new Striped(bytes));
        });
        repository.setNotes(snapshot.id(), "a note");
        Repository.init(directory.resolve("second"));
        Repository first = repository;
        try (Repository second = Repository.open(directory.resolve("second"))) {
            Snapshot copy = first.copy(snapshot.id(), second).orElseThrow();
            assertThat(copy.tree()).isEqualTo(snapshot.tree());
            assertThat(copy.stored()).isEqualTo(snapshot.stored());
            assertThat(first.copy(snapshot.id(), second)).isEmpty();
            assertThat(second.notes(snapshot.id())).isEqualTo("a note");
            assertThat(second.verify().isSound()).isTrue();
            second.collect();
            repository = second;
            assertThat(content(copy, "f")).isEqualTo(bytes);
        } finally {
            repository = first;
        }
    }

    @Test
    void aDamagedChunkOfAFileIsNotGivenAndItsSnapshotIsNamed() throws IOException {
        byte[] bytes = random(7, 5 << 20);
        Snapshot snapshot = backup(0, tree -> tree.add(file("f"), new Bytes(bytes)));
        Path pack = new Layout(directory.resolve("repository")).pack(packName());
        byte[] damaged = Files.readAllBytes(pack);
        damaged[2 << 20] ^= 1;
        Files.write(pack, damaged);

        assertThatThrownBy(() -> content(snapshot, "f"))
                .isInstanceOf(BadRepositoryException.class)
                .hasMessageContaining("is damaged");
        assertThat(repository.verify().snapshots()).containsOnlyKeys(snapshot.id());
    }

    private String packName() throws IOException {
        return new Layout(directory.resolve("repository")).packNames().getFirst();
    }

    @Test
    void entriesInAnotherOrderAreRefused() throws IOException {
        try (SnapshotWriter writer = repository.write("default", GuestType.LXC, new Vmid(101), TIME)) {
            TreeWriter tree = writer.tree();
            tree.add(file("a.b"));
            assertThatThrownBy(() -> tree.add(file("a/b"))).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(repository.list("default")).isEmpty();
    }
}
