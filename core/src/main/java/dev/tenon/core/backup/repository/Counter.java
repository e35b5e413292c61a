package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.GuestType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Counts what is in a repository. Of one guest after the other, so that the chunks of one guest are held at once. */
final class Counter {
    private record Guest(String namespace, GuestType type, Vmid number) {}

    private final Layout layout;
    private final Packer.Pool packers;
    private final ChunkSet all = new ChunkSet();
    private long needed;

    Counter(Layout layout, Packer.Pool packers) {
        this.layout = layout;
        this.packers = packers;
    }

    Statistics count() throws IOException {
        try (Lease _ = Lease.take(layout, Lease.Kind.READ);
                ChunkIndex index = ChunkIndex.load(layout, Set.of());
                ChunkReader reader = new ChunkReader(layout, index, packers)) {
            int packs = 0;
            long chunks = 0;
            long stored = 0;
            for (String pack : layout.packNames()) {
                try {
                    stored += Files.size(layout.pack(pack));
                    chunks += Pack.read(layout.pack(pack)).size();
                    packs++;
                } catch (NoSuchFileException | BadRepositoryException e) {
                    // gone meanwhile, or damaged, which is for verifying to tell
                }
            }
            Map<Guest, List<SnapshotId>> byGuest = new LinkedHashMap<>();
            for (SnapshotId id : Repository.list(layout, layout.snapshots())) {
                byGuest.computeIfAbsent(new Guest(id.namespace(), id.type(), id.guest()), _ -> new ArrayList<>())
                        .add(id);
            }
            List<Statistics.OfGuest> guests = new ArrayList<>();
            for (Map.Entry<Guest, List<SnapshotId>> guest : byGuest.entrySet()) {
                guests.add(count(guest.getKey(), guest.getValue(), index, reader));
            }
            return new Statistics(packs, chunks, ByteSize.ofBytes(stored), ByteSize.ofBytes(needed), guests);
        }
    }

    private Statistics.OfGuest count(Guest guest, List<SnapshotId> ids, ChunkIndex index, ChunkReader reader)
            throws IOException {
        ChunkSet own = new ChunkSet();
        int snapshots = 0;
        long disks = 0;
        long data = 0;
        long stored = 0;
        TreeCounter trees = new TreeCounter(own, index);
        for (SnapshotId id : ids) {
            Snapshot snapshot = Repository.record(layout, id, packers.key());
            if (snapshot == null) {
                continue;
            }
            snapshots++;
            if (snapshot.tree() != null) {
                disks += snapshot.tree().size().bytes();
                TreeChunks.each(snapshot.tree(), reader, trees);
            }
            for (Snapshot.Disk disk : snapshot.disks().values()) {
                disks += disk.size().bytes();
                DiskTable table = DiskTable.of(disk, reader);
                for (String leaf : disk.leaves()) {
                    stored += stored(ChunkId.parse(leaf), own, index);
                }
                for (long chunk = 0; chunk < table.count(); chunk++) {
                    ChunkId chunkId = table.get(chunk);
                    if (!chunkId.isZeroes()) {
                        data += table.length(chunk);
                        stored += stored(chunkId, own, index);
                    }
                }
            }
        }
        stored += trees.stored;
        data += trees.data;
        return new Statistics.OfGuest(
                guest.namespace,
                guest.type,
                guest.number,
                snapshots,
                ByteSize.ofBytes(disks),
                ByteSize.ofBytes(data),
                ByteSize.ofBytes(stored));
    }

    /** Counts what is in trees; every chunk of entries has to be gone through for the bytes that it names. */
    private final class TreeCounter implements TreeChunks.Visitor {
        private final ChunkSet own;
        private final ChunkIndex index;
        private long data;
        private long stored;

        TreeCounter(ChunkSet own, ChunkIndex index) {
            this.own = own;
            this.index = index;
        }

        @Override
        public boolean enters(ChunkId id) throws IOException {
            stored += Counter.this.stored(id, own, index);
            return true;
        }

        @Override
        public void data(ChunkId id, long length) throws IOException {
            data += length;
            stored += Counter.this.stored(id, own, index);
        }
    }

    /** What a chunk takes in its pack, 0 if the guest has it already. */
    private long stored(ChunkId id, ChunkSet own, ChunkIndex index) throws IOException {
        if (id.isZeroes() || !own.add(id)) {
            return 0;
        }
        int bytes =
                index.find(id).map(place -> place.stored() + Pack.CHUNK_HEADER).orElse(0);
        if (all.add(id)) {
            needed += bytes;
        }
        return bytes;
    }
}
