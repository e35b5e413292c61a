package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Frees the space of chunks that no snapshot needs, while others write and read. Packs that nobody needs, or that are mostly
 * unneeded, are condemned first. They are removed once everybody who may rely on them has ended, and after another look at
 * all snapshots.
 */
public final class Collector {
    /** A pack is rewritten if less than this part of it, in percent, is needed. */
    private static final int WORTH_KEEPING = 50;

    private final Layout layout;
    private final Packer.Pool packers;

    Collector(Layout layout, Packer.Pool packers) {
        this.layout = layout;
        this.packers = packers;
    }

    /**
     * What was done.
     *
     * @param packs how many packs were removed
     * @param freed their bytes
     * @param waiting how many packs are removed later, when current work has ended
     */
    public record Collected(int packs, ByteSize freed, int waiting) {}

    Collected collect() throws IOException {
        try (FileChannel channel = FileChannel.open(
                        layout.root().resolve("collector.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = lock(channel)) {
            if (!lock.isValid()) {
                throw inUse();
            }
            revokeDead();
            dropIncomplete();
            condemn();
            Collected collected = sweep();
            Indexes.compact(layout);
            return collected;
        }
    }

    private FileLock lock(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return lock;
            }
        } catch (OverlappingFileLockException e) {
            // by a thread of this process
        }
        throw inUse();
    }

    private StorageException inUse() {
        return StorageException.refused(
                StorageError.IN_USE,
                "the repository in '" + layout.root()
                        + "' is being collected by somebody else; wait until that has ended");
    }

    private void revokeDead() throws IOException {
        Observations observations = Observations.read(layout);
        for (Path lease : Layout.entries(layout.leases())) {
            if (Lease.isRevoked(lease) || Lease.isOwnerGone(lease) || observations.isStill(lease)) {
                Lease.revoke(lease);
            }
        }
        observations.write();
    }

    /** What is left of a collector that was killed while it condemned packs. */
    private void dropIncomplete() throws IOException {
        for (Condemned condemned : Condemned.all(layout)) {
            if (!condemned.isComplete()) {
                Files.delete(condemned.file());
            }
        }
    }

    private void condemn() throws IOException {
        Set<String> known = Condemned.packs(layout);
        ChunkSet live = mark(ChunkIndex.load(layout, Set.of()));
        Set<String> useless = new HashSet<>();
        Map<String, List<PackEntry>> sparse = new HashMap<>();
        for (String pack : layout.packNames()) {
            if (known.contains(pack)) {
                continue;
            }
            List<PackEntry> entries = Pack.read(layout.pack(pack));
            long all = entries.stream().mapToLong(PackEntry::stored).sum();
            List<PackEntry> needed =
                    entries.stream().filter(entry -> live.contains(entry.id())).toList();
            long used = needed.stream().mapToLong(PackEntry::stored).sum();
            if (needed.isEmpty()) {
                useless.add(pack);
            } else if (used * 100 < all * WORTH_KEEPING) {
                sparse.put(pack, needed);
            }
        }
        if (useless.isEmpty() && sparse.isEmpty()) {
            return;
        }
        rewrite(sparse);
        useless.addAll(sparse.keySet());
        Condemned.publish(layout, useless);
    }

    /** Copies what is needed of packs into new ones. */
    private void rewrite(Map<String, List<PackEntry>> sparse) throws IOException {
        if (sparse.isEmpty()) {
            return;
        }
        try (Lease lease = Lease.take(layout, Lease.Kind.WRITE);
                PackWriter packs = new PackWriter(layout, lease)) {
            for (Map.Entry<String, List<PackEntry>> pack : sparse.entrySet()) {
                try (FileChannel channel = FileChannel.open(layout.pack(pack.getKey()), StandardOpenOption.READ)) {
                    for (PackEntry entry : pack.getValue()) {
                        ByteBuffer stored = ByteBuffer.allocate(Pack.CHUNK_HEADER + entry.stored());
                        Pack.readFully(channel, stored, entry.offset(), "pack '" + pack.getKey() + "'");
                        packs.append(entry.id(), entry.kind(), entry.plain(), stored);
                    }
                }
            }
            packs.seal();
        }
    }

    /** All chunks that snapshots need. */
    private ChunkSet mark(ChunkIndex index) throws IOException {
        ChunkSet live = new ChunkSet();
        ChunkSet entered = new ChunkSet();
        try (ChunkReader reader = new ChunkReader(layout, index, packers)) {
            for (SnapshotId id : Repository.list(layout, layout.snapshots())) {
                Snapshot snapshot = Repository.record(layout, id);
                if (snapshot != null) {
                    Marks.of(snapshot, reader, live, entered);
                }
            }
        }
        return live;
    }

    private Collected sweep() throws IOException {
        Set<String> busy = Repository.names(Layout.entries(layout.leases()));
        int gone = 0;
        long freed = 0;
        int waiting = 0;
        for (Condemned condemned : Condemned.all(layout)) {
            boolean isWaiting = condemned.leases().stream().anyMatch(busy::contains) || hasReaders(busy);
            if (isWaiting) {
                waiting += condemned.packs().size();
                continue;
            }
            ChunkSet live = mark(ChunkIndex.load(layout, Set.of()));
            try (ChunkIndex rest = ChunkIndex.load(layout, Condemned.packs(layout))) {
                for (String pack : condemned.packs()) {
                    Path file = layout.pack(pack);
                    try {
                        if (!isNeeded(Pack.read(file), live, rest)) {
                            freed += Files.size(file);
                            // First, so that none is left over whose pack has gone.
                            Files.deleteIfExists(layout.parity(pack));
                            Files.delete(file);
                            gone++;
                        }
                    } catch (NoSuchFileException e) {
                        // gone before a crash
                    }
                }
            }
            Files.delete(condemned.file());
        }
        return new Collected(gone, ByteSize.ofBytes(freed), waiting);
    }

    /** Whether a snapshot needs a chunk of a pack that is nowhere else. */
    private static boolean isNeeded(List<PackEntry> pack, ChunkSet live, ChunkIndex rest) throws IOException {
        for (PackEntry entry : pack) {
            if (live.contains(entry.id()) && !rest.contains(entry.id())) {
                return true;
            }
        }
        return false;
    }

    /** A reader of a snapshot that is forgotten now can go on. */
    private boolean hasReaders(Set<String> busy) throws IOException {
        for (String name : busy) {
            if (Lease.state(layout.leases().resolve(name))
                    .filter(Lease::isOfReader)
                    .isPresent()) {
                return true;
            }
        }
        return false;
    }
}
