package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A large repository of which only what names chunks is there: {@code -Dtenon.chunks=10000000 -Dtenon.snapshots=10000} for the
 * limits, with {@code -Xmx512m}; it needs 3 GB of disk then. It says what took how long.
 */
class LimitsTest {
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final int PER_PACK = 16;
    private static final int LEAVES = 5;
    private static final int PER_GUEST = 10;

    @TempDir
    private Path directory;

    private long begin;

    @Test
    void manyChunksAndSnapshotsAreOpenedListedForgottenAndMarked() throws IOException {
        int snapshots = Integer.getInteger("tenon.snapshots", 50);
        int guests = snapshots / PER_GUEST;
        int leavesOfAll = Math.min(guests * LEAVES, Integer.getInteger("tenon.chunks", 60_000) / DiskTable.LEAF);
        Path place = directory.resolve("repository");
        Repository.init(place);
        Layout layout = new Layout(place);
        begin = System.nanoTime();
        List<String> leaves = generate(layout, leavesOfAll);
        ByteSize size = ByteSize.ofBytes((long) LEAVES * DiskTable.LEAF * DiskTable.CHUNK);
        for (int guest = 0; guest < guests; guest++) {
            List<String> own = new ArrayList<>();
            for (int i = 0; i < LEAVES; i++) {
                own.add(leaves.get((guest * LEAVES + i) % leavesOfAll));
            }
            for (int i = 0; i < PER_GUEST; i++) {
                SnapshotId id = new SnapshotId(
                        "default", GuestType.QEMU, new Vmid(100 + guest), Instant.ofEpochSecond(86_400L * i));
                Path record = layout.snapshots().resolve(id.path());
                Layout.makeDirectory(Layout.parent(record));
                Snapshot snapshot = new Snapshot(
                        id,
                        Map.of(DISK, new Snapshot.Disk(size, own)),
                        null,
                        RawConfig.of(new byte[0]),
                        null,
                        ByteSize.ofBytes(0));
                java.nio.file.Files.write(record, snapshot.write(null));
            }
        }
        told("generated, " + leavesOfAll * DiskTable.LEAF + " chunks and " + guests * PER_GUEST + " snapshots");
        try (Repository repository = Repository.open(place)) {
            try (RepositoryReader reader = repository.read()) {
                told("opened");
                List<SnapshotId> ids = repository.list("default");
                told("listed");
                assertThat(ids).hasSize(guests * PER_GUEST);
                Snapshot last = reader.find(ids.getLast()).orElseThrow();
                assertThat(reader.isWhole(
                                java.util.Objects.requireNonNull(last.disks().get(DISK))))
                        .isTrue();
                told("a disk of " + size.shown() + " looked at whole");
                for (int i = 0; i < ids.size(); i++) {
                    if (i % PER_GUEST < PER_GUEST / 2) {
                        repository.forget(ids.get(i));
                    }
                }
                told("half of them forgotten");
            }
            Collector.Collected collected = repository.collect();
            told("marked, and nothing to collect");
            assertThat(collected.packs()).isZero();
            for (SnapshotId id : repository.list("default")) {
                if (id.guest().value() < 100 + Math.max(1, guests / 10)) {
                    repository.forget(id);
                }
            }
            told("guests forgotten");
            collected = repository.collect();
            told("collected " + collected.packs() + " packs");
            assertThat(collected.packs()).isPositive();
        }
    }

    /** Packs of data have no data, and those of leaves are whole. */
    private static List<String> generate(Layout layout, int count) throws IOException {
        List<String> leaves = new ArrayList<>();
        try (Lease lease = Lease.take(layout, Lease.Kind.WRITE);
                Packer.Pool packers = new Packer.Pool(DiskTable.CHUNK, null);
                PackWriter packs = new PackWriter(layout, lease, packers, null, Set.of())) {
            Packer packer = packers.take();
            Map<String, List<PackEntry>> batch = new HashMap<>();
            int number = 0;
            for (int leaf = 0; leaf < count; leaf++) {
                ByteBuffer ids = ByteBuffer.allocate(DiskTable.LEAF * ChunkId.BYTES);
                for (int pack = 0; pack < DiskTable.LEAF / PER_PACK; pack++) {
                    List<PackEntry> entries = new ArrayList<>(PER_PACK);
                    for (int i = 0; i < PER_PACK; i++) {
                        ChunkId id = ChunkId.of(
                                ByteBuffer.allocate(4).putInt(number++).array(), 4);
                        id.write(ids);
                        entries.add(new PackEntry(id, ChunkKind.DATA, 8 + i, 4 << 20, DiskTable.CHUNK));
                    }
                    batch.put(pack(layout, entries), entries);
                }
                ChunkId id = ChunkId.of(ids.array(), ids.capacity());
                leaves.add(id.toString());
                packs.append(
                        id,
                        ChunkKind.TABLE,
                        ids.capacity(),
                        packer.pack(id, ChunkKind.TABLE, ids.array(), 0, ids.capacity(), null));
                if (batch.size() >= 4096) {
                    Indexes.publish(layout, lease, batch);
                    batch.clear();
                }
            }
            packers.give(packer);
            packs.seal();
            batch.putAll(packs.sealed());
            Indexes.publish(layout, lease, batch);
        }
        return leaves;
    }

    private static String pack(Layout layout, List<PackEntry> entries) throws IOException {
        String name = Pack.name(entries);
        Layout.makeDirectory(Layout.parent(layout.pack(name)));
        try (FileChannel channel =
                FileChannel.open(layout.pack(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            Pack.writeFully(channel, ByteBuffer.wrap(Pack.MAGIC));
            Pack.writeFully(channel, Pack.footer(entries));
        }
        return name;
    }

    private void told(String what) {
        Runtime runtime = Runtime.getRuntime();
        System.err.printf(
                "%s: %d ms, %d MiB used%n",
                what, (System.nanoTime() - begin) / 1_000_000, (runtime.totalMemory() - runtime.freeMemory()) >> 20);
        begin = System.nanoTime();
    }
}
