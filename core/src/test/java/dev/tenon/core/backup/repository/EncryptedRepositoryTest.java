package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Repositories that are encrypted: what is in them without a key, with one that only writes, and with one that is wrong. The
 * file is long because all of it is said of one kind of repository, made once for each test.
 */
class EncryptedRepositoryTest {
    private static final int CHUNK = DiskTable.CHUNK;
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
    private static final String WORDS = "the answer is hidden here";
    private static final RawConfig CONFIG = RawConfig.of(WORDS.getBytes(StandardCharsets.US_ASCII));
    private static final Unlocking.Passphrase PHRASE = new Unlocking.Passphrase("correct horse");

    private final Unlocking.KeyFile file = Unlocking.KeyFile.generate();

    @TempDir
    private Path directory;

    private Path root;

    @BeforeEach
    void make() throws IOException {
        root = directory.resolve("repository");
        Repository.init(root, new RepositoryOptions(Map.of("host", file), 0));
    }

    private static byte[] content(int seed, int size) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        byte[] words = WORDS.getBytes(StandardCharsets.US_ASCII);
        for (int at = 0; at + words.length <= size; at += 100_000) {
            System.arraycopy(words, 0, bytes, at, words.length);
        }
        return bytes;
    }

    private static Snapshot backup(Repository repository, int seconds, byte[] content) throws IOException {
        try (SnapshotWriter writer =
                repository.write("default", GuestType.QEMU, new Vmid(100), TIME.plusSeconds(seconds))) {
            writer.disk(DISK, ByteSize.ofBytes(content.length)).write(0, ByteBuffer.wrap(content));
            return writer.publish(CONFIG, null);
        }
    }

    private SnapshotId backup(Unlocking by, int seconds, byte[] content) throws IOException {
        try (Repository repository = Repository.open(root, by)) {
            return backup(repository, seconds, content).id();
        }
    }

    private static byte[] restored(Repository repository, SnapshotId id) throws IOException {
        try (RepositoryReader reader = repository.read()) {
            Snapshot snapshot = reader.find(id).orElseThrow();
            assertThat(snapshot.config()).isEqualTo(CONFIG);
            DiskReader disk = reader.disk(snapshot, DISK).orElseThrow();
            ByteBuffer bytes = ByteBuffer.allocate((int) disk.size().bytes());
            disk.read(0, bytes);
            return bytes.array();
        }
    }

    private Map<String, List<Byte>> files() throws IOException {
        Map<String, List<Byte>> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(root)) {
            for (Path each : all.filter(Files::isRegularFile).toList()) {
                Byte[] bytes = new Byte[(int) Files.size(each)];
                byte[] read = Files.readAllBytes(each);
                Arrays.setAll(bytes, i -> read[i]);
                files.put(root.relativize(each).toString(), Arrays.asList(bytes));
            }
        }
        return files;
    }

    private static void assertRefused(StorageError error, String words, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(StorageException.class, e -> {
            assertThat(e.error()).isEqualTo(error);
            assertThat(e).hasMessageContaining(words);
        });
    }

    @Test
    void whatWasBackedUpComesBackAndNoFileTellsWhatItIs() throws IOException {
        byte[] content = content(1, 2 * CHUNK + 777);
        SnapshotId id = backup(file, 0, content);

        try (Repository repository = Repository.open(root, file)) {
            assertThat(restored(repository, id)).isEqualTo(content);
            assertThat(repository.verify().isSound()).isTrue();
            assertThat(backup(repository, 1, content).stored().bytes())
                    .as("the same again")
                    .isZero();
        }
        String name = ChunkId.of(content, CHUNK).toString();
        for (Map.Entry<String, List<Byte>> each : files().entrySet()) {
            byte[] bytes = Files.readAllBytes(root.resolve(each.getKey()));
            String text = new String(bytes, StandardCharsets.ISO_8859_1);
            assertThat(text).as(each.getKey()).doesNotContain(WORDS, name);
            assertThat(text)
                    .as("the name of the content in %s", each.getKey())
                    .doesNotContain(new String(idBytes(ChunkId.of(content, CHUNK)), StandardCharsets.ISO_8859_1));
        }
    }

    private static byte[] idBytes(ChunkId id) {
        ByteBuffer bytes = ByteBuffer.allocate(ChunkId.BYTES);
        id.write(bytes);
        return bytes.array();
    }

    @Test
    void withoutAKeyBackupsAreListedAndNothingIsRead() throws IOException {
        SnapshotId id = backup(file, 0, content(1, CHUNK));

        try (Repository repository = Repository.open(root)) {
            assertThat(repository.list("default")).containsExactly(id);
            Snapshot snapshot = repository.find(id).orElseThrow();
            assertThat(snapshot.config()).isNull();
            assertThat(Objects.requireNonNull(snapshot.disks().get(DISK)).size())
                    .isEqualTo(ByteSize.ofBytes(CHUNK));
            assertThat(repository.fingerprint()).isPresent();
            for (ThrowingCallable call : List.<ThrowingCallable>of(
                    repository::read,
                    repository::collect,
                    repository::verify,
                    repository::statistics,
                    repository::keys,
                    () -> repository.write("default", GuestType.QEMU, new Vmid(1), TIME))) {
                assertRefused(StorageError.PERMISSION_DENIED, "is encrypted, and no key was given", call);
            }
        }
    }

    @Test
    void aWrongKeyIsToldInOneSentenceAndNothingIsTouched() throws IOException {
        backup(file, 0, content(1, CHUNK));
        Map<String, List<Byte>> before = files();
        RepositoryKey other = RepositoryKey.generate();

        for (Unlocking wrong : List.of(Unlocking.KeyFile.generate(), PHRASE, new Unlocking.Paper(other.secret(true)))) {
            assertRefused(
                    StorageError.PERMISSION_DENIED,
                    wrong.words() + " does not open the repository in '" + root + "'",
                    () -> Repository.open(root, wrong));
        }

        assertThat(files()).isEqualTo(before);
        Repository.init(directory.resolve("plain"));
        assertRefused(
                StorageError.BAD_PARAMETER,
                "is not encrypted, and a key was given",
                () -> Repository.open(directory.resolve("plain"), file));
    }

    @Test
    void aHostThatOnlyAddsBackupsCannotReadAnyAndStoresNothingTwice() throws IOException {
        Unlocking.KeyFile host = Unlocking.KeyFile.generate();
        byte[] content = content(2, 2 * CHUNK);
        try (Repository repository = Repository.open(root, file)) {
            backup(repository, 0, content);
            repository.keys().add("web1", host, false);
            assertThat(repository.keys().slots())
                    .containsExactly(
                            new RepositoryKeys.Slot("host", false, true, false),
                            new RepositoryKeys.Slot("web1", false, false, false));
        }

        SnapshotId own;
        try (Repository repository = Repository.open(root, host)) {
            assertThat(repository.canRead()).isFalse();
            Snapshot made = backup(repository, 1, content);
            own = made.id();
            assertThat(made.stored().bytes()).isZero();
            assertThat(repository.find(own).orElseThrow().config()).isNull();
            for (ThrowingCallable call : List.<ThrowingCallable>of(
                    repository::read, repository::collect, repository::verify, repository::statistics)) {
                assertRefused(StorageError.PERMISSION_DENIED, "only adds backups", call);
            }
            for (ThrowingCallable call : List.<ThrowingCallable>of(
                    () -> repository.keys().paper(),
                    () -> repository.keys().add("more", PHRASE, true),
                    () -> repository.keys().remove("host"),
                    () -> repository.keys().change("web1", PHRASE))) {
                assertRefused(StorageError.PERMISSION_DENIED, "only adds backups", call);
            }
        }
        try (Repository repository = Repository.open(root, file)) {
            assertThat(restored(repository, own)).isEqualTo(content);
        }
    }

    @Test
    void keysChangeAndNoPackIsWritten() throws IOException {
        byte[] content = content(3, CHUNK);
        SnapshotId id = backup(file, 0, content);
        Map<String, List<Byte>> before = new HashMap<>(files());
        String paper;
        try (Repository repository = Repository.open(root, file)) {
            assertRefused(
                    StorageError.IN_USE,
                    "is the last by which",
                    () -> repository.keys().remove("host"));
            repository.keys().add("me", PHRASE, true);
            assertRefused(
                    StorageError.ALREADY_EXISTS,
                    "'me' already",
                    () -> repository.keys().add("me", file, true));
            assertRefused(
                    StorageError.INVALID_NAME, "'../x'", () -> repository.keys().add("../x", file, true));
            repository.keys().remove("host");
            assertRefused(
                    StorageError.NOT_FOUND,
                    "no key 'host'",
                    () -> repository.keys().remove("host"));
            paper = repository.keys().paper();
            assertRefused(
                    StorageError.BAD_PARAMETER,
                    "from paper",
                    () -> repository
                            .keys()
                            .add("p", Unlocking.ofFile(repository.keys().paper()), true));
        }
        assertRefused(StorageError.PERMISSION_DENIED, "does not open", () -> Repository.open(root, file));
        Unlocking.Passphrase next = new Unlocking.Passphrase("another phrase");
        try (Repository repository = Repository.open(root, PHRASE)) {
            assertThat(restored(repository, id)).isEqualTo(content);
            repository.keys().change("me", next);
        }
        assertRefused(StorageError.PERMISSION_DENIED, "does not open", () -> Repository.open(root, PHRASE));
        Repository.open(root, next).close();
        try (Repository repository = Repository.open(root, Unlocking.ofFile(paper))) {
            assertThat(restored(repository, id)).isEqualTo(content);
        }
        Map<String, List<Byte>> after = files();
        assertThat(after.keySet()).contains("keys/me.key").doesNotContain("keys/host.key");
        before.remove("keys/host.key");
        after.remove("keys/me.key");
        after.remove("keys/lock");
        assertThat(after).isEqualTo(before);
    }

    @Test
    void aDamagedSlotKeepsNobodyElseOut() throws IOException {
        try (Repository repository = Repository.open(root, file)) {
            repository.keys().add("a", PHRASE, true);
        }
        Path slot = root.resolve("keys/a.key");
        String text = Files.readString(slot);
        for (String damaged : List.of(
                "",
                text.substring(1),
                text.replace("\"iterations\":300000", "\"iterations\":2000000000"),
                text + "}")) {
            Files.writeString(slot, damaged);
            Repository.open(root, file).close();
        }
        Files.writeString(slot, text.replaceFirst("\"sealed\":\"....", "\"sealed\":\"AAAA"));
        assertRefused(StorageError.PERMISSION_DENIED, "does not open", () -> Repository.open(root, PHRASE));
        Files.writeString(slot, "{}");
        assertRefused(
                StorageError.PERMISSION_DENIED, "the key slot 'a.key' is damaged", () -> Repository.open(root, PHRASE));
    }

    @Test
    void aMistakeInTypingAKeyFromPaperIsFound() throws IOException {
        String paper;
        try (Repository repository = Repository.open(root, file)) {
            paper = repository.keys().paper();
        }
        int digit = paper.indexOf("\n3 ") + 5;
        char other = paper.charAt(digit) == '0' ? '1' : '0';

        assertRefused(
                StorageError.BAD_PARAMETER,
                "line 3",
                () -> Unlocking.ofFile(paper.substring(0, digit) + other + paper.substring(digit + 1)));
        assertRefused(StorageError.BAD_PARAMETER, "line 1", () -> Unlocking.ofFile("1 00\n"));
        assertRefused(StorageError.BAD_PARAMETER, "no key of a repository", () -> Unlocking.ofFile("nothing\n"));
        assertRefused(StorageError.BAD_PARAMETER, "no key file", () -> Unlocking.ofFile("{\"secret\":\"AAAA\"}"));
    }

    /** The checksums are made good again, as somebody would who wants to harm. */
    @ParameterizedTest
    @ValueSource(ints = {4, 5, 6, 8, 20, 51, 52, 1000, -1})
    void aChunkThatSomebodyChangedIsNeverGiven(int place) throws IOException {
        RepositoryKey key = RepositoryKey.generate();
        byte[] content = content(4, 100_000);
        ChunkId id = key.id(ByteBuffer.wrap(content));
        try (Packer.Pool packers = new Packer.Pool(CHUNK, key)) {
            Packer packer = packers.take();
            byte[] stored = bytes(packer.pack(id, ChunkKind.DATA, content, 0, content.length, key.seal()));
            assertThat(packer.unpack(id, ByteBuffer.wrap(stored), "it")).isEqualTo(content);

            stored[place < 0 ? stored.length + place : place] ^= 1;
            ByteBuffer all = ByteBuffer.wrap(stored);
            all.putInt(16, Pack.checksum(all.duplicate().position(Pack.CHUNK_HEADER)));

            assertThatThrownBy(() -> packer.unpack(id, all, "it")).isInstanceOf(BadRepositoryException.class);
            packers.give(packer);
        }
    }

    @Test
    void aChunkUnderTheNameOfAnotherIsNeverGiven() throws IOException {
        RepositoryKey key = RepositoryKey.generate();
        byte[] content = content(5, 5000);
        ChunkId id = key.id(ByteBuffer.wrap(content));
        ChunkId other = key.id(ByteBuffer.wrap(content, 0, 4000));
        try (Packer.Pool packers = new Packer.Pool(CHUNK, key);
                Packer.Pool plain = new Packer.Pool(CHUNK, null)) {
            Packer packer = packers.take();
            byte[] stored = bytes(packer.pack(id, ChunkKind.DATA, content, 0, content.length, key.seal()));
            byte[] again = bytes(packer.pack(id, ChunkKind.DATA, content, 0, content.length, key.seal()));
            byte[] open = bytes(plain.take().pack(id, ChunkKind.DATA, content, 0, content.length, null));

            assertThat(stored).as("another backup has another key").isNotEqualTo(again);
            assertThatThrownBy(() -> packer.unpack(other, ByteBuffer.wrap(stored), "it"))
                    .isInstanceOf(BadRepositoryException.class);
            assertThatThrownBy(() -> packer.unpack(id, ByteBuffer.wrap(open), "it"))
                    .as("one that is not sealed")
                    .isInstanceOf(BadRepositoryException.class);
            packers.give(packer);
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    /** Somebody has the files, and no key. */
    @Test
    void aRecordThatSomebodyMadeOrChangedIsNotTaken() throws IOException {
        SnapshotId id = backup(file, 0, content(6, CHUNK));
        Path record = root.resolve("snapshots").resolve(id.path());
        String[] lines = Files.readString(record).split("\n", -1);

        for (String changed : List.of(
                lines[0].replace("drive-scsi0", "drive-scsi1") + "\n" + lines[1],
                lines[0] + "\n" + lines[1].substring(0, 60) + (lines[1].charAt(60) == 'A' ? 'B' : 'A')
                        + lines[1].substring(61),
                lines[0] + "\n%%%",
                lines[0].replace("\"version\":2", "\"config\":\"AAAA\",\"version\":1"))) {
            byte[] text = changed.getBytes(StandardCharsets.US_ASCII);
            Files.writeString(record, changed + "\n" + ChunkId.of(text, text.length) + "\n");
            try (Repository repository = Repository.open(root, file)) {
                assertThatThrownBy(() -> repository.find(id))
                        .as(changed)
                        .isInstanceOf(BadRepositoryException.class)
                        .hasMessageContaining("the record of snapshot '" + id + "'");
            }
        }
    }

    @Test
    void collectingFreesWhatNoSnapshotNeeds() throws IOException {
        byte[] content = content(7, 3 * CHUNK);
        try (Repository repository = Repository.open(root, file)) {
            Snapshot first = backup(repository, 0, content(8, 8 * CHUNK));
            Snapshot second = backup(repository, 1, content);
            repository.forget(first.id());
            assertThat(repository.collect().freed().bytes()).isGreaterThan(7L * CHUNK);
            assertThat(restored(repository, second.id())).isEqualTo(content);
            assertThat(repository.verify().isSound()).isTrue();
        }
    }

    @Test
    void aCopyBetweenRepositoriesOfOtherKeysIsWhole() throws IOException {
        byte[] content = content(9, 2 * CHUNK + 5);
        SnapshotId id = backup(file, 0, content);
        Path second = directory.resolve("second");
        Path plain = directory.resolve("plain");
        Repository.init(second, new RepositoryOptions(Map.of("me", PHRASE), 0));
        Repository.init(plain);
        try (Repository from = Repository.open(root, file);
                Repository other = Repository.open(second, PHRASE);
                Repository open = Repository.open(plain)) {
            assertThat(from.copy(id, open)).isPresent();
            assertThat(restored(open, id)).isEqualTo(content);
            assertThat(open.copy(id, other)).isPresent();
            assertThat(restored(other, id)).isEqualTo(content);
            assertThat(other.copy(id, from)).as("it is there").isEmpty();
            assertThat(other.verify().isSound()).isTrue();
        }
    }

    @Test
    void aChunkThatIsWrittenWithoutACopyIsSealedToo() throws IOException {
        byte[] content = content(11, CHUNK);
        SnapshotId id;
        try (Repository repository = Repository.open(root, file)) {
            try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, new Vmid(100), TIME)) {
                assertThat(writer.disk(DISK, ByteSize.ofBytes(CHUNK)).writeWhole(0, CHUNK, to -> to.put(content)))
                        .isTrue();
                id = writer.publish(CONFIG, null).id();
            }
            assertThat(restored(repository, id)).isEqualTo(content);
        }
        for (String each : files().keySet()) {
            assertThat(new String(Files.readAllBytes(root.resolve(each)), StandardCharsets.ISO_8859_1))
                    .as(each)
                    .doesNotContain(WORDS);
        }
    }

    @Test
    void nothingIsPackedInTheClearByMistake() {
        RepositoryKey key = RepositoryKey.generate();
        byte[] content = content(12, 5000);
        try (Packer.Pool sealed = new Packer.Pool(CHUNK, key);
                Packer.Pool plain = new Packer.Pool(CHUNK, null)) {
            Packer packer = sealed.take();
            Packer other = plain.take();
            ChunkId id = key.id(ByteBuffer.wrap(content));
            assertThatThrownBy(() -> packer.pack(id, ChunkKind.DATA, content, 0, content.length, null))
                    .isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> other.pack(id, ChunkKind.DATA, content, 0, content.length, key.seal()))
                    .isInstanceOf(IllegalStateException.class);
            sealed.give(packer);
            plain.give(other);
        }
    }

    /** Bytes that are no UTF-8 too, and one that cannot be read at all. */
    @Test
    void aDamagedSlotIsShownAndCanBeRemoved() throws IOException {
        Path slot = root.resolve("keys/a.key");
        Files.write(slot, new byte[] {(byte) 0xff, (byte) 0xfe});
        Files.createDirectory(root.resolve("keys/b.key"));
        try (Repository repository = Repository.open(root, file)) {
            RepositoryKeys keys = repository.keys();
            assertThat(keys.slots())
                    .containsExactly(
                            new RepositoryKeys.Slot("a", false, false, true),
                            new RepositoryKeys.Slot("b", false, false, true),
                            new RepositoryKeys.Slot("host", false, true, false));
            assertRefused(StorageError.IN_USE, "is the last by which", () -> keys.remove("host"));
            keys.remove("a");
            keys.remove("b");
            assertThat(keys.slots()).hasSize(1);
        }
    }

    @Test
    void ofTwoWhoRemoveTheLastTwoKeysOneIsRefused() throws Exception {
        try (Repository repository = Repository.open(root, file);
                ExecutorService threads = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < 20; round++) {
                repository.keys().add("other", Unlocking.KeyFile.generate(), true);
                if (repository.keys().slots().size() < 2) {
                    repository.keys().add("host", file, true);
                }
                CountDownLatch begin = new CountDownLatch(1);
                List<Future<Boolean>> removed = new ArrayList<>();
                for (String name : List.of("host", "other")) {
                    removed.add(threads.submit(() -> {
                        begin.await();
                        try {
                            repository.keys().remove(name);
                            return true;
                        } catch (StorageException e) {
                            assertThat(e.error()).isEqualTo(StorageError.IN_USE);
                            return false;
                        }
                    }));
                }
                begin.countDown();
                assertThat(removed.get(0).get()).isNotEqualTo(removed.get(1).get());
                if (removed.get(0).get()) {
                    repository.keys().add("host", file, true);
                    repository.keys().remove("other");
                }
            }
        }
    }

    @Test
    void whatIsWrongWithKeysLeavesNothingAndWhatWasNotFinishedCanBeBegunAgain() throws IOException {
        Path place = directory.resolve("new");
        assertRefused(
                StorageError.INVALID_NAME,
                "'../x'",
                () -> Repository.init(place, new RepositoryOptions(Map.of("../x", file), 0)));
        assertThat(place).doesNotExist();

        Repository.init(place, new RepositoryOptions(Map.of("old", Unlocking.KeyFile.generate()), 0));
        Files.delete(place.resolve("repository.json"));
        Files.delete(place.resolve("spare"));
        Files.createFile(place.resolve("keys/mine"));
        ThrowingCallable again = () -> Repository.init(place, new RepositoryOptions(Map.of("me", file), 0));
        assertRefused(StorageError.ALREADY_EXISTS, "is not empty", again);
        Files.delete(place.resolve("keys/mine"));
        Repository.init(place, new RepositoryOptions(Map.of("me", file), 0));
        try (Repository repository = Repository.open(place, file)) {
            assertThat(repository.keys().slots()).containsExactly(new RepositoryKeys.Slot("me", false, true, false));
        }
        assertRefused(StorageError.ALREADY_EXISTS, "is not empty", again);
    }

    @Test
    void aHeadThatContradictsItselfIsRefused() throws IOException {
        Path head = root.resolve("repository.json");
        String text = Files.readString(head);
        for (String damaged : List.of(
                text.replace("\"tenon-repository\":2", "\"tenon-repository\":1"),
                text.replace("\"encryption\"", "\"encryptioN\""),
                text.replace("\"encryption\"", "\"encryptioN\"").replace("{\"chunk", "{\"parity\":10,\"chunk"),
                text.replace("{\"chunk", "{\"parity\":101,\"chunk"),
                text.replace("{\"chunk", "{\"parity\":-1,\"chunk"),
                text.replace("{\"chunk", "{\"parity\":\"10\",\"chunk"))) {
            assertThat(damaged).isNotEqualTo(text);
            Files.writeString(head, damaged);
            assertThatThrownBy(() -> Repository.open(root))
                    .as(damaged)
                    .isInstanceOf(BadRepositoryException.class)
                    .hasMessageContaining("is damaged");
        }
    }

    /** A record whose sum somebody made good again. */
    @Test
    void aForgedRecordIsNamedAndStopsCollecting() throws IOException {
        SnapshotId id = backup(file, 0, content(13, CHUNK));
        Path record = root.resolve("snapshots").resolve(id.path());
        String[] lines = Files.readString(record).split("\n", -1);
        byte[] text =
                (lines[0].replace("drive-scsi0", "drive-scsi1") + "\n" + lines[1]).getBytes(StandardCharsets.US_ASCII);
        Files.writeString(
                record, new String(text, StandardCharsets.US_ASCII) + "\n" + ChunkId.of(text, text.length) + "\n");

        try (Repository repository = Repository.open(root, file)) {
            assertThat(repository.verify().snapshots()).containsOnlyKeys(id);
            assertThatThrownBy(repository::collect).isInstanceOf(BadRepositoryException.class);
            assertThatThrownBy(repository::statistics).isInstanceOf(BadRepositoryException.class);
        }
    }
}
