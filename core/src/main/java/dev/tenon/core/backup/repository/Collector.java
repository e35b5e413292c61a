package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Frees the space of chunks that no snapshot needs, while others write and read. Packs that nobody needs, or that are mostly
 * unneeded, are condemned first. They are removed once everybody who may rely on them has ended, and after another look at
 * all snapshots.
 */
public final class Collector {
    /** A pack is rewritten if less than this part of it, in percent, is needed. */
    private static final int WORTH_KEEPING = 50;

    private static final Logger LOG = LoggerFactory.getLogger(Collector.class);

    /** So many names have room where the spare was. */
    private static final int MOST_IF_TIGHT = 5000;

    /** The repositories that this process collects. To open the file of the lock and close it again would give it back. */
    private static final Set<Path> COLLECTED = ConcurrentHashMap.newKeySet();

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
        layout.requirePresent();
        Path root = layout.root().toRealPath();
        if (!COLLECTED.add(root)) {
            throw inUse();
        }
        try {
            return collectAlone();
        } finally {
            COLLECTED.remove(root);
        }
    }

    private Collected collectAlone() throws IOException {
        try (FileChannel channel = FileChannel.open(
                        layout.root().resolve("collector.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                @Nullable FileLock lock = channel.tryLock()) {
            if (lock == null) {
                throw inUse();
            }
            revokeDead();
            dropIncomplete();
            try {
                condemn(false);
            } catch (IOException e) {
                if (!Spare.isFull(e) || !Spare.use(layout)) {
                    throw e;
                }
                dropIncomplete();
                condemn(true);
            }
            Collected collected = sweep();
            Spare.keep(layout);
            compact();
            return collected;
        }
    }

    private void compact() throws IOException {
        try {
            Indexes.compact(layout);
        } catch (IOException e) {
            if (!Spare.isFull(e)) {
                throw e;
            }
            LOG.warn("the index stays as it is until there is space: {}", e.toString());
        }
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
        try {
            observations.write();
        } catch (IOException e) {
            LOG.warn("what was seen of other nodes cannot be kept, so their dead are found later: {}", e.toString());
        }
    }

    /** What is left of a collector that was killed while it condemned packs. */
    private void dropIncomplete() throws IOException {
        for (Condemned condemned : Condemned.all(layout)) {
            if (!condemned.isComplete()) {
                Files.delete(condemned.file());
            }
        }
    }

    /**
     * Condemns what nobody needs.
     *
     * @param isTight whether there is hardly any space: nothing is copied then, and the list is short
     */
    private void condemn(boolean isTight) throws IOException {
        Set<String> known = Condemned.packs(layout);
        ChunkSet live = mark(ChunkIndex.load(layout, Set.of()));
        DamagedChunks damaged = DamagedChunks.read(layout);
        Set<String> useless = new HashSet<>();
        Set<String> unreadable = new HashSet<>();
        Map<String, List<PackEntry>> sparse = new HashMap<>();
        for (String pack : layout.packNames()) {
            if (known.contains(pack)) {
                continue;
            }
            List<PackEntry> entries;
            try {
                entries = Pack.read(layout.pack(pack));
            } catch (BadRepositoryException e) {
                LOG.warn("a pack stays while a snapshot may need it: {}", e.getMessage());
                unreadable.add(pack);
                continue;
            }
            long all = entries.stream().mapToLong(PackEntry::stored).sum();
            List<PackEntry> needed =
                    entries.stream().filter(entry -> live.contains(entry.id())).toList();
            long used = needed.stream().mapToLong(PackEntry::stored).sum();
            if (needed.isEmpty()) {
                useless.add(pack);
            } else if (damaged.packs().contains(pack)) {
                List<PackEntry> good = new ArrayList<>(needed);
                good.removeIf(entry -> damaged.has(pack, entry.id()));
                if (isElsewhere(needed, good)) {
                    sparse.put(pack, good);
                }
            } else if (used * 100 < all * WORTH_KEEPING) {
                sparse.put(pack, needed);
            }
        }
        if (!unreadable.isEmpty() && isWholeWithout(unreadable)) {
            useless.addAll(unreadable);
        }
        if (isTight) {
            sparse.clear();
            useless = useless.stream().limit(MOST_IF_TIGHT).collect(Collectors.toSet());
        }
        if (useless.isEmpty() && sparse.isEmpty()) {
            return;
        }
        known.addAll(useless);
        known.addAll(sparse.keySet());
        rewrite(sparse, known);
        useless.addAll(sparse.keySet());
        Condemned.publish(layout, useless);
    }

    /** Whether what is damaged has been stored again. */
    private boolean isElsewhere(List<PackEntry> needed, List<PackEntry> good) throws IOException {
        List<PackEntry> bad = new ArrayList<>(needed);
        bad.removeAll(good);
        try (ChunkIndex sound = ChunkIndex.load(layout, Set.of())) {
            for (PackEntry entry : bad) {
                if (!sound.contains(entry.id())) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Whether all snapshots have all of their chunks if these packs are gone. */
    private boolean isWholeWithout(Set<String> packs) throws IOException {
        try (ChunkIndex rest = ChunkIndex.load(layout, packs)) {
            List<SnapshotId> ids = Repository.list(layout, layout.snapshots());
            return new Verifier(layout, packers, 100).hurt(ids, rest).isEmpty();
        }
    }

    /** Copies what is needed of packs into new ones. A pack in which it is damaged is left out. */
    private void rewrite(Map<String, List<PackEntry>> sparse, Set<String> condemned) throws IOException {
        if (sparse.isEmpty()) {
            return;
        }
        Packer packer = packers.take();
        try (Lease lease = Lease.take(layout, Lease.Kind.WRITE);
                PackWriter packs = new PackWriter(layout, lease, packers, packers.sealing(), condemned)) {
            Iterator<Map.Entry<String, List<PackEntry>>> left =
                    sparse.entrySet().iterator();
            while (left.hasNext()) {
                Map.Entry<String, List<PackEntry>> pack = left.next();
                try (FileChannel channel = FileChannel.open(layout.pack(pack.getKey()), StandardOpenOption.READ)) {
                    for (PackEntry entry : pack.getValue()) {
                        copy(channel, pack.getKey(), entry, packs, packer);
                    }
                } catch (BadRepositoryException e) {
                    LOG.warn("a pack stays as it is: {}", e.getMessage());
                    left.remove();
                }
            }
            packs.seal();
        } finally {
            packers.give(packer);
        }
    }

    /** A damaged chunk must not get another place, where it would be taken for good. */
    private static void copy(FileChannel channel, String pack, PackEntry entry, PackWriter to, Packer packer)
            throws IOException {
        String where = "chunk " + entry.id() + " in pack '" + pack + "'";
        ByteBuffer stored = ByteBuffer.allocate(Pack.CHUNK_HEADER + entry.stored());
        Pack.readFully(channel, stored, entry.offset(), where);
        packer.unpack(entry.id(), stored.duplicate(), where);
        to.append(entry.id(), entry.kind(), entry.plain(), stored);
    }

    /** All chunks that snapshots need. */
    private ChunkSet mark(ChunkIndex index) throws IOException {
        ChunkSet live = new ChunkSet(index.count());
        ChunkSet entered = new ChunkSet();
        try (ChunkReader reader = new ChunkReader(layout, index, packers)) {
            for (SnapshotId id : Repository.list(layout, layout.snapshots())) {
                Snapshot snapshot = Repository.record(layout, id, packers.key());
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
            if (!condemned.isComplete()) {
                // Whom it waits for is not in it yet.
                continue;
            }
            boolean isWaiting = condemned.leases().stream().anyMatch(busy::contains) || hasReaders(busy);
            if (isWaiting) {
                waiting += condemned.packs().size();
                continue;
            }
            ChunkSet live = mark(ChunkIndex.load(layout, Set.of()));
            // One that came meanwhile may have found a snapshot that was forgotten before it was marked.
            if (hasReaders(Repository.names(Layout.entries(layout.leases())))) {
                waiting += condemned.packs().size();
                continue;
            }
            try (ChunkIndex rest = ChunkIndex.load(layout, Condemned.packs(layout))) {
                for (String pack : condemned.packs()) {
                    Path file = layout.pack(pack);
                    try {
                        if (!isNeeded(pack, live, rest)) {
                            freed += Files.size(file);
                            // First, so that none is left over whose pack has gone.
                            Files.deleteIfExists(layout.parity(pack));
                            Files.delete(file);
                            DamagedChunks.note(layout, pack, List.of());
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
    private boolean isNeeded(String pack, ChunkSet live, ChunkIndex rest) throws IOException {
        List<PackEntry> entries;
        try {
            entries = Pack.read(layout.pack(pack));
        } catch (BadRepositoryException e) {
            return !isWholeWithout(Condemned.packs(layout));
        }
        for (PackEntry entry : entries) {
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
