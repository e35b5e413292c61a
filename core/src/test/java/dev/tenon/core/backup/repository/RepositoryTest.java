package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.core.testing.Qemu;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A repository and its backups of disks. The file is long because all of it is said of one repository, made for each test. */
class RepositoryTest {
    private static final int CHUNK = DiskTable.CHUNK;
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final Vmid GUEST = new Vmid(100);
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
    private static final RawConfig CONFIG = RawConfig.of("name: ünïcode\n\0\1".getBytes(StandardCharsets.ISO_8859_1));

    @TempDir
    private Path directory;

    private Repository repository;

    @BeforeEach
    void make() throws IOException {
        Repository.init(directory.resolve("repository"));
        repository = Repository.open(directory.resolve("repository"));
    }

    private Path at(String name) {
        return directory.resolve("repository").resolve(name);
    }

    private static byte[] random(int seed, int size) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static byte[] text(int size) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = (byte) "lorem ipsum dolor sit amet ".charAt(i % 27);
        }
        return bytes;
    }

    private Snapshot backup(int seconds, byte[] content) throws IOException {
        return backup(GUEST, seconds, content);
    }

    private Snapshot backup(Vmid guest, int seconds, byte[] content) throws IOException {
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, guest, TIME.plusSeconds(seconds))) {
            writer.disk(DISK, ByteSize.ofBytes(content.length)).write(0, ByteBuffer.wrap(content));
            return writer.publish(CONFIG, null);
        }
    }

    private byte[] restored(SnapshotId id) throws IOException {
        try (RepositoryReader reader = repository.read()) {
            Snapshot snapshot = reader.find(id).orElseThrow();
            DiskReader disk = reader.disk(snapshot, DISK).orElseThrow();
            ByteBuffer bytes = ByteBuffer.allocate((int) disk.size().bytes());
            // in pieces that fit no chunk
            for (int at = 0; at < bytes.capacity(); at += 1_000_003) {
                disk.read(at, bytes.duplicate().position(at).limit(Math.min(bytes.capacity(), at + 1_000_003)));
            }
            return bytes.array();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 512, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 12345})
    void aDiskOfAnySizeComesBackToTheByte(int size) throws IOException {
        byte[] content = random(1, size);

        Snapshot snapshot = backup(0, content);

        assertThat(restored(snapshot.id())).isEqualTo(content);
        assertThat(repository.find(snapshot.id())).contains(snapshot);
        assertThat(repository.list("default")).containsExactly(snapshot.id());
        assertThat(repository.verify().isSound()).isTrue();
    }

    @Test
    void theBytesOfConfigurationsAreExact() throws IOException {
        RawConfig firewall = RawConfig.of(new byte[] {(byte) 0xff, 0, '\n'});
        SnapshotId id;
        try (SnapshotWriter writer = repository.write("other", GuestType.LXC, GUEST, TIME)) {
            id = writer.publish(CONFIG, firewall).id();
        }

        Snapshot snapshot = repository.find(id).orElseThrow();
        assertThat(snapshot.config()).isEqualTo(CONFIG);
        assertThat(snapshot.firewall()).isEqualTo(firewall);
        assertThat(repository.list("default")).as("another namespace").isEmpty();
    }

    @Test
    void whatIsThereIsNotStoredAgainAndZeroesNever() throws IOException {
        byte[] content = new byte[5 * CHUNK];
        System.arraycopy(random(2, CHUNK), 0, content, 0, CHUNK);
        System.arraycopy(content, 0, content, 2 * CHUNK, CHUNK);
        System.arraycopy(text(CHUNK), 0, content, 4 * CHUNK, CHUNK);

        Snapshot first = backup(0, content);
        Snapshot second = backup(new Vmid(101), 1, content);

        assertThat(first.stored().bytes()).isBetween((long) CHUNK, (long) CHUNK + CHUNK / 50);
        assertThat(second.stored().bytes()).isZero();
        assertThat(restored(second.id())).isEqualTo(content);
    }

    @Test
    void anIncrementalBackupIsRestoredByItself() throws IOException {
        byte[] content = random(3, 6 * CHUNK + 1000);
        Snapshot first = backup(0, content);
        byte[] change = random(4, CHUNK / 2);
        SnapshotId id;
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, GUEST, TIME.plusSeconds(1))) {
            DiskWriter disk = writer.disk(DISK, first.id()).orElseThrow();
            disk.write(CHUNK - 1000, ByteBuffer.wrap(change));
            System.arraycopy(change, 0, content, CHUNK - 1000, change.length);
            disk.write(2 * CHUNK - 10, ByteBuffer.wrap(change, 0, 10));
            System.arraycopy(change, 0, content, 2 * CHUNK - 10, 10);
            disk.zero(3 * CHUNK - 5, CHUNK + 10);
            Arrays.fill(content, 3 * CHUNK - 5, 4 * CHUNK + 5, (byte) 0);
            disk.write(content.length - 3L, ByteBuffer.wrap(change, 0, 3));
            System.arraycopy(change, 0, content, content.length - 3, 3);
            id = writer.publish(CONFIG, null).id();
        }

        assertThat(restored(id)).isEqualTo(content);
        repository.forget(first.id());
        repository.collect();
        assertThat(restored(id)).as("without the base").isEqualTo(content);
        assertThat(repository.list("default")).containsExactly(id);
    }

    /** Of a VM with many disks, each of which ends in the middle of a chunk. */
    @Test
    void anyNumberOfDisksMayHaveAChunkThatIsNotFullYet() throws IOException {
        int disks = 40;
        SnapshotId id;
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, GUEST, TIME)) {
            List<DiskWriter> written = new ArrayList<>();
            for (int i = 0; i < disks; i++) {
                DiskWriter disk = writer.disk(new DeviceName("drive-scsi" + i), ByteSize.ofBytes(2L * CHUNK));
                disk.write(7, ByteBuffer.wrap(new byte[] {(byte) (i + 1)}));
                written.add(disk);
            }
            for (DiskWriter disk : written) {
                disk.awaitFilled();
            }
            id = writer.publish(CONFIG, null).id();
        }

        assertThat(repository.find(id).orElseThrow().disks()).hasSize(disks);
        assertThat(repository.verify().isSound()).isTrue();
    }

    /** Packs that are condemned, because a collector has seen them before their snapshot was there. */
    @Test
    void whatAnIncrementalBackupHasOfItsBaseStaysThoughTheBaseIsForgotten() throws IOException {
        byte[] content = random(3, 6 * CHUNK);
        Snapshot first;
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, GUEST, TIME)) {
            writer.disk(DISK, ByteSize.ofBytes(content.length)).write(0, ByteBuffer.wrap(content));
            writer.await();
            writer.seal();
            assertThat(repository.collect().waiting()).isEqualTo(1);
            first = writer.publish(CONFIG, null);
        }
        SnapshotId id;
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, GUEST, TIME.plusSeconds(1))) {
            DiskWriter disk = writer.disk(DISK, first.id()).orElseThrow();
            disk.write(9, ByteBuffer.wrap(new byte[] {42}));
            content[9] = 42;
            repository.forget(first.id());
            assertThat(repository.collect().packs()).isZero();
            id = writer.publish(CONFIG, null).id();
        }

        repository.collect();
        assertThat(repository.verify().isSound()).isTrue();
        assertThat(restored(id)).isEqualTo(content);
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, GUEST, TIME.plusSeconds(2))) {
            assertThat(writer.disk(DISK, first.id())).isEmpty();
        }
    }

    /** A bad place of a disk, for instance: the system refuses to read. */
    @Test
    void aPackThatCannotBeReadStopsNothing() throws IOException {
        byte[] content = random(3, 2 * CHUNK);
        Snapshot first = backup(0, content);
        Layout layout = new Layout(directory.resolve("repository"));
        Path pack = layout.pack(layout.packNames().iterator().next());
        Files.move(pack, directory.resolve("aside"));
        Files.createDirectory(pack);
        for (Path index : IndexFile.all(layout)) {
            Files.delete(index);
        }

        repository.read().close();
        // With another disk, so that its pack has another name: a directory is not replaced, as a file would be.
        SnapshotId again;
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, GUEST, TIME.plusSeconds(1))) {
            writer.disk(DISK, ByteSize.ofBytes(content.length)).write(0, ByteBuffer.wrap(content));
            writer.disk(new DeviceName("drive-scsi1"), ByteSize.ofBytes(CHUNK))
                    .write(0, ByteBuffer.wrap(random(4, CHUNK)));
            again = writer.publish(CONFIG, null).id();
        }
        assertThat(restored(again)).isEqualTo(content);
        repository.collect();
        assertThat(repository.verify().isSound()).isTrue();
        assertThat(restored(first.id())).as("the next backup has all of it").isEqualTo(content);
    }

    @Test
    void aBackupThatIsGivenUpLeavesNothing() throws IOException {
        List<Path> before = files();
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, GUEST, TIME)) {
            writer.disk(DISK, ByteSize.ofBytes(3L * CHUNK)).write(100, ByteBuffer.wrap(random(5, 2 * CHUNK)));
        }

        assertThat(files()).isEqualTo(before);
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.walk(at("."))) {
            return all.filter(Files::isRegularFile).sorted().toList();
        }
    }

    @Test
    void twoBackupsOfOneSecondDoNotReplaceEachOther() throws IOException {
        backup(0, random(6, 1000));

        assertThatThrownBy(() -> backup(0, random(7, 1000)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("there is a snapshot 'default/qemu/100/2026-01-02T03:04:05Z' already");
        assertThat(restored(repository.list("default").getFirst())).isEqualTo(random(6, 1000));
    }

    @Test
    void spaceOfForgottenSnapshotsIsFreedAndNoOther() throws IOException {
        byte[] shared = random(8, CHUNK);
        byte[] big = random(9, 20 * CHUNK);
        System.arraycopy(shared, 0, big, 0, CHUNK);
        Snapshot first = backup(0, big);
        Snapshot second = backup(1, shared);
        assertThat(repository.collect()).isEqualTo(new Collector.Collected(0, ByteSize.ofBytes(0), 0));

        repository.forget(first.id());
        Collector.Collected collected = repository.collect();

        assertThat(collected.waiting()).isZero();
        assertThat(collected.freed().bytes()).isGreaterThan(18L * CHUNK);
        assertThat(restored(second.id())).isEqualTo(shared);
        assertThat(repository.verify().isSound()).isTrue();
        repository.forget(second.id());
        repository.collect();
        assertThat(files()).noneMatch(file -> file.toString().endsWith(".pack"));
    }

    @Test
    void whatARunningBackupCountsOnIsNotTakenAway() throws IOException {
        byte[] content = random(10, 3 * CHUNK);
        Snapshot first = backup(0, content);
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, GUEST, TIME.plusSeconds(1))) {
            repository.forget(first.id());
            assertThat(repository.collect().waiting()).isEqualTo(1);

            writer.disk(DISK, ByteSize.ofBytes(content.length)).write(0, ByteBuffer.wrap(content));
            assertThat(writer.publish(CONFIG, null).stored().bytes())
                    .as("all was there")
                    .isZero();
        }

        assertThat(repository.collect().packs()).as("needed after all").isZero();
        assertThat(restored(repository.list("default").getFirst())).isEqualTo(content);
        assertThat(repository.verify().isSound()).isTrue();
    }

    @Test
    void aBackupThatBeginsLaterDoesNotCountOnWhatIsToGo() throws IOException {
        byte[] content = random(11, 3 * CHUNK);
        Snapshot first = backup(0, content);
        try (RepositoryReader reader = repository.read()) {
            DiskReader disk = reader.disk(first, DISK).orElseThrow();
            repository.forget(first.id());
            assertThat(repository.collect().waiting()).isEqualTo(1);

            Snapshot second = backup(1, content);

            assertThat(second.stored().bytes()).as("stored again").isGreaterThan(2L * CHUNK);
            assertThat(repository.collect().waiting()).isEqualTo(1);
            ByteBuffer bytes = ByteBuffer.allocate(content.length);
            disk.read(0, bytes);
            assertThat(bytes.array()).as("what is being read stays").isEqualTo(content);
        }
        // The new pack has the old one's name if its chunks came in the same order; then it stays.
        assertThat(repository.collect().waiting()).isZero();
        assertThat(restored(repository.list("default").getFirst())).isEqualTo(content);
        assertThat(new Layout(at(".")).packNames()).hasSize(1);
    }

    @Test
    void aBackupThatWasTakenForDeadPublishesNothing() throws IOException {
        byte[] content = random(12, CHUNK);
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, GUEST, TIME)) {
            writer.disk(DISK, ByteSize.ofBytes(content.length)).write(0, ByteBuffer.wrap(content));
            for (Path lease : Layout.entries(at("leases"))) {
                Lease.revoke(lease);
            }

            assertThatThrownBy(() -> writer.publish(CONFIG, null))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("was taken for dead");
        }
        assertThat(repository.list("default")).isEmpty();
        assertThat(Layout.entries(at("leases"))).isEmpty();
    }

    @Test
    void severalWriteAtOnceAndShareWhatTheyHaveInCommon() throws Exception {
        byte[] shared = random(13, CHUNK);
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<Snapshot>> backups = Stream.of(100, 101, 102, 103)
                    .map(guest -> threads.submit(() -> {
                        byte[] content = Arrays.copyOf(shared, 2 * CHUNK);
                        content[CHUNK + guest] = 1;
                        return backup(new Vmid(guest), guest, content);
                    }))
                    .toList();
            for (Future<Snapshot> backup : backups) {
                Snapshot snapshot = backup.get();
                byte[] expected = Arrays.copyOf(shared, 2 * CHUNK);
                expected[CHUNK + (int) snapshot.id().guest().value()] = 1;
                assertThat(restored(snapshot.id())).isEqualTo(expected);
            }
        }
        repository.collect();
        assertThat(repository.verify().isSound()).isTrue();
        assertThat(repository.list("default")).hasSize(4);
    }

    @Test
    void aFlippedBitIsFoundAndNeverGivenAsData() throws IOException {
        byte[] content = random(14, 100_000);
        Snapshot hurt = backup(0, content);
        byte[] other = text(100_000);
        Snapshot sound = backup(new Vmid(101), 1, other);
        Path pack = files().stream()
                .filter(file -> file.toString().endsWith(".pack"))
                .max((a, b) -> Long.compare(a.toFile().length(), b.toFile().length()))
                .orElseThrow();
        Random random = new Random(15);

        for (int i = 0; i < 40; i++) {
            long place = random.nextLong(pack.toFile().length());
            flip(pack, place);

            Verifier.Verified verified = repository.verify();
            assertThat(verified.packs()).as("a flip at %s", place).hasSize(1);
            assertThat(verified.snapshots()).as("a flip at %s", place).doesNotContainKey(sound.id());
            byte[] read;
            try {
                read = restored(hurt.id());
            } catch (BadRepositoryException e) {
                assertThat(e).hasMessageContaining("verify the repository");
                read = content;
            }
            assertThat(read).as("a flip at %s", place).isEqualTo(content);
            assertThat(restored(sound.id())).isEqualTo(other);
            flip(pack, place);
        }
        assertThat(repository.verify().isSound()).isTrue();
    }

    private static void flip(Path file, long place) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.seek(place);
            int value = bytes.read();
            bytes.seek(place);
            bytes.write(value ^ 1);
        }
    }

    @Test
    void aDamagedRecordIsNotRead() throws IOException {
        Snapshot snapshot = backup(0, random(16, 1000));
        flip(at("snapshots").resolve(snapshot.id().path()), 30);

        assertThatThrownBy(() -> repository.find(snapshot.id()))
                .isInstanceOf(BadRepositoryException.class)
                .hasMessageContaining("the record of snapshot '" + snapshot.id() + "' is damaged");
        assertThat(repository.verify().snapshots()).containsOnlyKeys(snapshot.id());
        assertThatThrownBy(repository::collect)
                .as("nothing goes on a doubt")
                .isInstanceOf(BadRepositoryException.class);
    }

    @Test
    void whatIsNoRepositoryIsRefused() throws IOException {
        assertThatThrownBy(() -> Repository.open(directory))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.NOT_FOUND));
        assertThatThrownBy(() -> Repository.init(directory))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.ALREADY_EXISTS));
        Files.writeString(at("repository.json"), "{\"tenon-repository\":3,\"chunk-size\":4194304}");
        assertThatThrownBy(() -> Repository.open(at(".")))
                .isInstanceOf(BadRepositoryException.class)
                .hasMessageContaining("is of version 3");
    }

    private static SnapshotId sealedThenPublished(SnapshotWriter writer, byte[] content, Step between)
            throws IOException {
        writer.disk(DISK, ByteSize.ofBytes(content.length)).write(0, ByteBuffer.wrap(content));
        writer.await();
        writer.seal();
        between.run();
        return writer.publish(CONFIG, null).id();
    }

    private interface Step {
        void run() throws IOException;
    }

    /** A guest is forgotten, its packs wait for somebody else to end, and the same bytes are backed up again meanwhile. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPackIsNotWrittenUnderTheNameOfOneThatIsCondemned(boolean isEncrypted) throws IOException {
        Path place = directory.resolve("other");
        Unlocking.KeyFile key = Unlocking.KeyFile.generate();
        Repository.init(place, new RepositoryOptions(isEncrypted ? Map.of("k", key) : Map.of(), 10));
        byte[] content = random(30, CHUNK);
        try (Repository other = Repository.open(place, isEncrypted ? key : null)) {
            SnapshotId first;
            try (SnapshotWriter writer = other.write("default", GuestType.QEMU, GUEST, TIME)) {
                first = sealedThenPublished(writer, content, () -> {});
            }
            SnapshotWriter earlier = other.write("default", GuestType.QEMU, new Vmid(101), TIME);
            other.forget(first);
            assertThat(other.collect().waiting()).isEqualTo(2);
            SnapshotId second;
            try (SnapshotWriter writer = other.write("default", GuestType.QEMU, GUEST, TIME.plusSeconds(1))) {
                second = sealedThenPublished(writer, content, () -> {
                    earlier.close();
                    assertThat(other.collect().packs()).isEqualTo(2);
                });
            }

            assertThat(other.verify().isSound()).isTrue();
            try (RepositoryReader reader = other.read()) {
                DiskReader disk =
                        reader.disk(reader.find(second).orElseThrow(), DISK).orElseThrow();
                ByteBuffer bytes = ByteBuffer.allocate(content.length);
                disk.read(0, bytes);
                assertThat(bytes.array()).isEqualTo(content);
            }
            other.collect();
            assertThat(other.verify().isSound()).isTrue();
        }
    }

    @Test
    void aRecordThatWasRenamedIsRefused() throws IOException {
        Snapshot snapshot = backup(0, random(31, 1000));
        Path record = at("snapshots").resolve(snapshot.id().path());
        SnapshotId other = new SnapshotId("default", GuestType.QEMU, GUEST, TIME.plusSeconds(5));
        Files.move(record, at("snapshots").resolve(other.path()));

        assertThatThrownBy(() -> repository.find(other))
                .isInstanceOf(BadRepositoryException.class)
                .hasMessageContaining("is that of '" + snapshot.id() + "'");
        assertThat(repository.verify().snapshots()).containsOnlyKeys(other);
        assertThatThrownBy(repository::collect).isInstanceOf(BadRepositoryException.class);
    }

    @Test
    void aLeaseThatCannotBeTakenForAnotherReasonStopsAReader() throws IOException {
        backup(0, random(32, 1000));
        Files.move(at("leases"), at("leases.away"));
        Files.createFile(at("leases"));

        assertThatThrownBy(repository::read).isInstanceOf(IOException.class);

        Files.delete(at("leases"));
        repository.read().close();
    }

    @Test
    void whoReadsAfterTheEndOpensNothingAgain() throws IOException {
        Snapshot snapshot = backup(0, random(33, CHUNK + 1));
        RepositoryReader reader = repository.read();
        DiskReader disk = reader.disk(snapshot, DISK).orElseThrow();
        disk.read(0, ByteBuffer.allocate(1));
        reader.close();

        assertThatThrownBy(() -> reader.chunks().read(ChunkId.of(random(33, CHUNK + 1), CHUNK)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is not read any more");
    }

    /** Those who read ahead are the same for all repositories. */
    @Test
    void aStorageThatHangsHoldsUpNoRestoreFromAnother() throws Exception {
        byte[] content = random(34, 4 * CHUNK);
        Snapshot snapshot = backup(0, content);
        Path hanging = directory.resolve("hanging");
        Repository.init(hanging);
        try (Repository other = Repository.open(hanging)) {
            Snapshot stuck;
            try (SnapshotWriter writer = other.write("default", GuestType.QEMU, GUEST, TIME)) {
                stuck = other.find(sealedThenPublished(writer, content, () -> {}))
                        .orElseThrow();
            }
            Path pack = largest(new Layout(hanging));
            List<Thread> threads = new ArrayList<>();
            List<RepositoryReader> readers = new ArrayList<>();
            List<DiskReader> disks = new ArrayList<>();
            // Each has two chunks read ahead: enough for all who do that, and all of them together find a packer.
            for (int i = 0; i < 2; i++) {
                RepositoryReader reader = other.read();
                readers.add(reader);
                DiskReader disk = reader.disk(stuck, DISK).orElseThrow();
                assertThat(disk.isZero(0, content.length))
                        .as("its table is read")
                        .isFalse();
                disks.add(disk);
            }
            Files.delete(pack);
            Qemu.run(pack.getParent(), List.of("mkfifo", pack.getFileName().toString()));
            for (DiskReader disk : disks) {
                threads.add(Thread.ofPlatform().start(() -> {
                    try {
                        disk.read(0, ByteBuffer.allocate(1));
                    } catch (IOException e) {
                        // at the end
                    }
                }));
            }
            try {
                await().until(() -> threads.stream().allMatch(RepositoryTest::isOpening));
                assertThat(restored(snapshot.id())).isEqualTo(content);
            } finally {
                try (FileChannel _ = FileChannel.open(pack, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                    for (Thread thread : threads) {
                        thread.join();
                    }
                    for (RepositoryReader reader : readers) {
                        reader.close();
                    }
                }
            }
        }
    }

    private static boolean isOpening(Thread thread) {
        return Arrays.stream(thread.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("channel"));
    }

    /** The pack of the disk, if its table is in a pack of its own. */
    private static Path largest(Layout layout) throws IOException {
        return layout.packNames().stream()
                .map(layout::pack)
                .max(Comparator.comparingLong(each -> each.toFile().length()))
                .orElseThrow();
    }

    @Test
    void whoIsInterruptedFailsNobodyElseWhoWantsTheSameChunk() throws Exception {
        byte[] content = random(35, CHUNK);
        Snapshot snapshot;
        try (SnapshotWriter writer = repository.write("default", GuestType.QEMU, GUEST, TIME)) {
            snapshot = repository
                    .find(sealedThenPublished(writer, content, () -> {}))
                    .orElseThrow();
        }
        Path pack = largest(new Layout(directory.resolve("repository")));
        try (RepositoryReader reader = repository.read()) {
            DiskReader disk = reader.disk(snapshot, DISK).orElseThrow();
            assertThat(disk.isZero(0, 1)).as("its table is read").isFalse();
            Path away = directory.resolve("away");
            Files.move(pack, away);
            Qemu.run(pack.getParent(), List.of("mkfifo", pack.getFileName().toString()));
            Thread interrupted = Thread.ofPlatform().start(() -> {
                try {
                    disk.read(0, ByteBuffer.allocate(1));
                } catch (IOException e) {
                    // it was interrupted
                }
            });
            await().until(() -> isOpening(interrupted));
            ByteBuffer bytes = ByteBuffer.allocate(CHUNK);
            Thread other = Thread.ofPlatform().start(() -> {
                try {
                    disk.read(0, bytes);
                } catch (IOException e) {
                    // nothing is in the buffer then
                }
            });
            await().until(() -> other.getState() == Thread.State.WAITING);
            Path pipe = directory.resolve("pipe");
            Files.move(pack, pipe);
            Files.move(away, pack);
            interrupted.interrupt();
            try (FileChannel _ = FileChannel.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                interrupted.join();
                other.join();
            }
            assertThat(bytes.array()).isEqualTo(content);
        }
    }
}
