package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.linux.ProcessIdentity;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.testing.LoopFileSystem;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Repositories on disks that are full, only read, or gone, and of hosts whose clocks differ. */
class PlacesTest {
    private static final Vmid VM = new Vmid(100);
    private static final Vmid CONTAINER = new Vmid(101);

    @TempDir
    private Path directory;

    private interface Step {
        void run() throws IOException;
    }

    /** Whether it ended well; it may fail for lack of space only. */
    private static boolean fits(Step step) {
        try {
            step.run();
            return true;
        } catch (IOException e) {
            assertThat(e).hasStackTraceContaining("No space left on device");
            return false;
        }
    }

    /** So many KiB are free; the file system keeps some for itself. */
    private static void leave(LoopFileSystem disk, int kib) throws IOException {
        disk.fill();
        try (RandomAccessFile ballast =
                new RandomAccessFile(disk.root().resolve("ballast").toFile(), "rw")) {
            ballast.setLength(Math.max(0, ballast.length() - kib * 1024L));
            ballast.getFD().sync();
        }
    }

    @Test
    void aDiskThatIsFullAtAnyMomentHurtsNothing() throws IOException {
        try (LoopFileSystem disk = LoopFileSystem.make(directory, "ext4", 64, "-q", "-m", "0", "-O", "^has_journal")) {
            Path place = disk.root().resolve("repository");
            Repository.init(place);
            try (Repository repository = Repository.open(place)) {
                Snapshot first = Work.disk(repository, VM, 10);
                Snapshot tree = Work.tree(repository, CONTAINER, 10);
                repository.collect();
                long seed = 20;
                int failed = 0;
                int done = 0;
                for (int kib : List.of(0, 4, 16, 64, 300, 1000, 2500, 4200, 5500, 6500, 7000, 9000)) {
                    long now = seed++;
                    leave(disk, kib);
                    boolean isDisk = fits(() -> Work.disk(repository, VM, now));
                    disk.empty();
                    leave(disk, kib);
                    boolean isTree = fits(() -> Work.tree(repository, CONTAINER, now));
                    boolean isBase = fits(() -> repository.setBase(first.id(), "keep"));
                    fits(() -> repository.setNotes(first.id(), "x".repeat(5000)));
                    failed += (isDisk ? 0 : 1) + (isTree ? 0 : 1);
                    done += (isDisk ? 1 : 0) + (isTree ? 1 : 0);
                    disk.fill();
                    String what = kib + " KiB";
                    assertThat(repository.verify().isSound()).as(what).isTrue();
                    assertThat(repository.list("default")).as(what).contains(first.id(), tree.id());
                    for (SnapshotId id : repository.list("default")) {
                        assertThat(Work.isGood(repository, id))
                                .as("%s: %s", what, id)
                                .isTrue();
                    }
                    assertThat(repository
                                            .base("default", GuestType.QEMU, VM, "keep")
                                            .isPresent()
                                    || !isBase)
                            .as(what)
                            .isTrue();
                    for (SnapshotId id : repository.list("default")) {
                        if (!id.equals(first.id()) && !id.equals(tree.id())) {
                            repository.forget(id);
                        }
                    }
                    int packs = new Layout(place).packNames().size();
                    Collector.Collected collected = repository.collect();
                    assertThat(new Layout(place).packNames())
                            .as("%s: of %s packs, %s", what, packs, collected)
                            .hasSize(packs - collected.packs());
                    assertThat(isDisk || isTree).as(what).isEqualTo(collected.packs() > 0);
                    disk.empty();
                    repository.collect();
                    assertThat(repository.verify().isSound()).as(what).isTrue();
                    assertThat(Layout.entries(place.resolve("leases"))).as(what).isEmpty();
                }
                assertThat(failed).as("there was too little space for some").isPositive();
                assertThat(done).as("and enough for others").isPositive();
            }
        }
    }

    /** A part of a chunk may be in it, and what comes later would be looked for where it is not. */
    @Test
    void aPackThatWasNotWrittenWhollyIsNeverSealed() throws IOException {
        try (LoopFileSystem disk = LoopFileSystem.make(directory, "ext4", 64, "-q", "-m", "0", "-O", "^has_journal")) {
            Path place = disk.root().resolve("repository");
            Repository.init(place);
            Layout layout = new Layout(place);
            try (Lease lease = Lease.take(layout, Lease.Kind.WRITE);
                    Packer.Pool packers = new Packer.Pool(DiskTable.CHUNK, null);
                    PackWriter packs = new PackWriter(layout, lease, packers, null, Set.of())) {
                ByteBuffer chunk = ByteBuffer.allocate(1 << 20);
                ChunkId id = ChunkId.of(new byte[] {1}, 1);
                packs.append(id, ChunkKind.DATA, 1 << 20, chunk.duplicate());
                leave(disk, 300);
                assertThatThrownBy(() -> packs.append(id, ChunkKind.DATA, 1 << 20, chunk.duplicate()))
                        .hasMessageContaining("No space left");
                disk.empty();
                assertThatThrownBy(() -> packs.append(id, ChunkKind.DATA, 1 << 20, chunk.duplicate()))
                        .hasMessageContaining("No space left");
                assertThatThrownBy(packs::seal).hasMessageContaining("No space left");
            }
            assertThat(layout.packNames()).isEmpty();
        }
    }

    @Test
    void whatCanOnlyBeReadIsListedRestoredAndVerified() throws IOException {
        try (LoopFileSystem disk = LoopFileSystem.make(directory, "ext4", 64, "-q")) {
            Path place = disk.root().resolve("repository");
            Repository.init(place);
            try (Repository repository = Repository.open(place)) {
                Snapshot first = Work.disk(repository, VM, 10);
                Snapshot tree = Work.tree(repository, CONTAINER, 10);
                disk.makeReadOnly();

                assertThat(repository.list("default")).containsExactly(tree.id(), first.id());
                assertThat(Work.isGood(repository, first.id())).isTrue();
                assertThat(Work.isGood(repository, tree.id())).isTrue();
                assertThat(repository.verify().isSound()).isTrue();
                assertThat(repository.statistics().guests()).hasSize(2);
                for (Step step : List.<Step>of(
                        () -> Work.disk(repository, VM, 11),
                        repository::collect,
                        () -> repository.forget(first.id()),
                        () -> repository.setBase(first.id(), "keep"))) {
                    assertThatThrownBy(step::run)
                            .isInstanceOf(IOException.class)
                            .hasMessageContaining("ead-only");
                }
                assertThat(repository.list("default")).containsExactly(tree.id(), first.id());
            }
        }
    }

    @Test
    void aRepositoryThatGoesInTheMiddleIsNotMadeAnew() throws IOException {
        Path place = directory.resolve("repository");
        Path away = directory.resolve("away");
        Repository.init(place);
        try (Repository repository = Repository.open(place)) {
            Snapshot first = Work.disk(repository, VM, 10);
            SnapshotWriter writer = Work.begin(repository, GuestType.QEMU, VM, 11);
            Files.move(place, away);

            assertThatThrownBy(() -> Work.finishDisk(writer, 11))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("has gone");
            writer.close();
            for (Step step : List.<Step>of(
                    () -> Work.disk(repository, VM, 12),
                    () -> Work.isGood(repository, first.id()),
                    repository::verify,
                    repository::statistics,
                    repository::collect)) {
                assertThatThrownBy(step::run)
                        .isInstanceOf(StorageException.class)
                        .hasMessageContaining("the repository in '" + place + "' has gone");
            }
            assertThat(place).doesNotExist();

            Files.move(away, place);
            assertThat(repository.list("default")).containsExactly(first.id());
            assertThat(Work.isGood(repository, first.id())).isTrue();
            assertThat(repository.verify().isSound()).isTrue();
        }
    }

    /** A host of yesterday's or tomorrow's date makes backups, and its leases are not taken for those of the dead. */
    @Test
    void clocksOfHostsAreNotCompared() throws IOException {
        Path place = directory.resolve("repository");
        Repository.init(place);
        long day = 86_400;
        try (Repository repository = Repository.open(place)) {
            ProcessIdentity own = ProcessIdentity.own();
            Path namesake = place.resolve("leases/" + new ProcessIdentity(own.node(), "00000000", 1, 1) + ".1");
            Files.createDirectory(namesake);
            Files.writeString(namesake.resolve("state"), "WRITE 1\n");
            repository.collect();
            assertThat(namesake).as("of another machine with this one's name").exists();
            Files.delete(namesake.resolve("state"));
            Files.delete(namesake);

            Snapshot ahead = Work.disk(repository, VM, 10 * day);
            repository.setBase(ahead.id(), "keep");
            Snapshot behind = Work.disk(repository, VM, 9 * day);
            repository.setBase(behind.id(), "keep");
            assertThat(repository.base("default", GuestType.QEMU, VM, "keep").map(Snapshot::id))
                    .as("the last one, whatever its time is")
                    .contains(behind.id());

            Path lease = place.resolve("leases/elsewhere_00000000_1_1.1");
            Files.createDirectory(lease);
            Path state = lease.resolve("state");
            Path seen = place.resolve("observations." + ProcessIdentity.own().node());
            long now = Instant.now().getEpochSecond();
            for (long clock : List.of(now, now + day, now - day)) {
                Files.writeString(state, "WRITE 1\n");
                repository.collect();
                assertThat(lease).exists();
                // This host's own clock was elsewhere then, and the lease moves on.
                Files.writeString(seen, Files.readString(seen).replaceFirst("[0-9]+\n$", clock + "\n"));
                Files.writeString(state, "WRITE 2\n");
                repository.collect();
                assertThat(lease).as("it moved; %s", clock - now).exists();
            }
            Files.writeString(seen, Files.readString(seen).replaceFirst("[0-9]+\n$", now + day + "\n"));
            repository.collect();
            assertThat(lease).as("seen tomorrow").exists();
            Files.writeString(seen, Files.readString(seen).replaceFirst("[0-9]+\n$", now - 700 + "\n"));
            repository.collect();
            assertThat(lease).as("still for ten minutes").doesNotExist();
            assertThat(Work.isGood(repository, ahead.id())).isTrue();
        }
    }
}
