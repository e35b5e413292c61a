package dev.tenon.core.storage.tenonbackup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryReader;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.repository.SnapshotWriter;
import dev.tenon.core.backup.repository.TreeEntry;
import dev.tenon.core.backup.repository.TreeReader;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.linux.TreeDirectory;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.ContainerTree;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TreeCopyTest {
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
    private static final RawConfig CONFIG = RawConfig.of(new byte[] {'x'});
    private static final int BLOCK = 1 << 20;

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

    private long unchangedInSecond(Path root, Instant begun) throws IOException {
        long unchanged = 0;
        Snapshot last = null;
        for (int i = 0; i < 2; i++) {
            try (RepositoryReader reader = repository.read();
                    SnapshotWriter writer =
                            repository.write("default", GuestType.LXC, new Vmid(101), TIME.plusSeconds(i))) {
                TreeReader.Cursor base =
                        last == null ? null : reader.tree(last).orElseThrow().from("");
                TreeCopy copy = new TreeCopy(
                        new ContainerTree(root, List.of("."), 0, OptionalLong.empty()),
                        List.of(),
                        base,
                        begun,
                        writer.tree(),
                        BackupLimits.NONE,
                        (_, _) -> {});
                copy.copy();
                last = writer.publish(CONFIG, null);
                unchanged = copy.unchanged();
            }
        }
        return unchanged;
    }

    /** It may have been changed again after the snapshot, in the same tick of the clock, however long ago that is by now. */
    @Test
    void whatHadJustBeenChangedWhenTheFilesWereFixedIsReadAgain() throws IOException {
        // Files that have not been changed for long.
        Path root = Path.of("/usr/share/base-files");
        Instant changed = Instant.EPOCH;
        try (TreeDirectory conf = TreeDirectory.open(root)) {
            for (String name : conf.names()) {
                changed = later(changed, conf.status(name));
                if (conf.status(name).kind() == TreeDirectory.Kind.DIRECTORY) {
                    try (TreeDirectory inner = conf.directory(name)) {
                        for (String innerName : inner.names()) {
                            changed = later(changed, inner.status(innerName));
                        }
                    }
                }
            }
        }

        long all = unchangedInSecond(root, changed.plusSeconds(60));
        assertThat(all).isPositive();
        repository.list("default").forEach(id -> forget(repository, id));
        assertThat(unchangedInSecond(root, changed.plusSeconds(1)))
                .as("the latest is not known")
                .isLessThan(all);
    }

    private static void forget(Repository from, dev.tenon.core.backup.repository.SnapshotId id) {
        try {
            from.forget(id);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static Instant later(Instant one, TreeDirectory.Status status) {
        Instant other = Instant.ofEpochSecond(status.changed().seconds());
        return one.isAfter(other) ? one : other;
    }

    /** One of data, hole, data, each of a MiB. */
    private Path sparse(byte[] data) throws IOException {
        Path path = directory.resolve("sparse");
        try (SparseFile file = SparseFile.create(path, 0600)) {
            file.extend(3L * BLOCK);
        }
        try (var channel = java.nio.channels.FileChannel.open(path, java.nio.file.StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(data, 0, BLOCK), 0);
            channel.write(ByteBuffer.wrap(data, BLOCK, BLOCK), 2L * BLOCK);
        }
        return path;
    }

    /** Backs up a file that is cut when so many bytes have been read; answers what the backup has. */
    private byte[] cut(Path path, long whenRead, long to) throws IOException {
        Snapshot snapshot;
        try (SparseFile file = SparseFile.open(path);
                SparseFile writing = SparseFile.openForWriting(path);
                SnapshotWriter writer = repository.write("default", GuestType.LXC, new Vmid(101), TIME)) {
            TreeDirectory.Status status = TreeDirectory.status(file);
            ByteBuffer piece = ByteBuffer.allocateDirect(BLOCK / 2);
            long[] read = {0};
            FileBytes bytes = new FileBytes(file, status, (from, offset, into, at, length) -> {
                if (read[0] >= whenRead) {
                    writing.setSize(to);
                }
                piece.clear().limit(Math.min(piece.capacity(), length));
                int count = from.read(offset, piece);
                piece.flip().get(into, at, count);
                read[0] += count;
                return count;
            });
            if (whenRead < 0) {
                writing.setSize(to);
            }
            writer.tree()
                    .add(
                            new TreeEntry(
                                    "f",
                                    TreeEntry.Kind.FILE,
                                    0600,
                                    0,
                                    0,
                                    0,
                                    0,
                                    TreeEntry.Known.NOT,
                                    0,
                                    0,
                                    "",
                                    new TreeMap<>(),
                                    TreeEntry.Content.NONE),
                            bytes);
            assertThat(bytes.size()).isLessThan(status.size());
            snapshot = writer.publish(CONFIG, null);
        }
        try (RepositoryReader reader = repository.read()) {
            TreeReader tree = reader.tree(snapshot).orElseThrow();
            var content = tree.content(tree.find("f").orElseThrow());
            ByteBuffer all = ByteBuffer.allocate((int) content.size());
            content.read(0, all);
            return all.array();
        }
    }

    private static byte[] random() {
        byte[] data = new byte[2 * BLOCK];
        new Random(1).nextBytes(data);
        return data;
    }

    @Test
    void aSparseFileThatShrinksHasWhatWasRead() throws IOException {
        byte[] data = random();
        byte[] first = Arrays.copyOf(data, BLOCK);

        assertThat(cut(sparse(data), BLOCK / 2, 0)).as("in its data").isEqualTo(Arrays.copyOf(data, BLOCK / 2));
        Files.delete(directory.resolve("sparse"));
        repository.forget(repository.list("default").getFirst());
        ByteArrayOutputStream half = new ByteArrayOutputStream();
        half.write(first);
        half.write(new byte[BLOCK / 2]);
        assertThat(cut(sparse(data), BLOCK / 2, BLOCK + BLOCK / 2))
                .as("in its hole")
                .isEqualTo(half.toByteArray());
        Files.delete(directory.resolve("sparse"));
        repository.forget(repository.list("default").getFirst());
        assertThat(cut(sparse(data), -1, 0)).as("before it is read").isEmpty();
    }

    @Test
    void aFileWithoutHolesThatShrinksHasWhatWasRead() throws IOException {
        Path path = directory.resolve("dense");
        byte[] data = random();
        Files.write(path, data);

        assertThat(cut(path, BLOCK, BLOCK / 2)).isEqualTo(Arrays.copyOf(data, BLOCK));
    }
}
