package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads and checks what is in a repository. */
public final class Verifier {
    private final Layout layout;
    private final Packer.Pool packers;
    private final double percent;
    private long chunks;
    private final Random random = new Random();

    /**
     * Of a part of the chunks.
     *
     * @param percent how many of the chunks to read, by chance; the others are taken for good
     */
    Verifier(Layout layout, Packer.Pool packers, double percent) {
        if (!(percent > 0 && percent <= 100)) {
            throw new IllegalArgumentException(percent + " percent of the chunks, and not above 0 to 100");
        }
        this.layout = layout;
        this.packers = packers;
        this.percent = percent;
    }

    /**
     * What was found.
     *
     * @param chunks how many chunks were read
     * @param indexes the files of the index that are damaged, each with the reason; they hurt nobody, and are made anew
     * @param packs the packs that are damaged, each with the reason
     * @param snapshots the snapshots that cannot be restored whole, each with the reason; none is hurt by damage that is not
     *     in it
     */
    public record Verified(
            long chunks,
            SortedMap<String, String> indexes,
            SortedMap<String, String> packs,
            SortedMap<SnapshotId, String> snapshots) {
        public boolean isSound() {
            return indexes.isEmpty() && packs.isEmpty() && snapshots.isEmpty();
        }
    }

    Verified verify() throws IOException {
        try (Lease _ = Lease.take(layout, Lease.Kind.READ)) {
            return checked();
        }
    }

    private Verified checked() throws IOException {
        SortedMap<String, String> packs = new TreeMap<>();
        ChunkIndex sound = new ChunkIndex(layout);
        for (String pack : layout.packNames()) {
            try {
                List<PackEntry> entries = Pack.read(layout.pack(pack));
                if (!Pack.name(entries).equals(pack)) {
                    throw new BadRepositoryException("pack '" + pack + "' has the name of another");
                }
                List<PackEntry> good = good(pack, entries);
                sound.add(pack, good);
                if (good.size() < entries.size()) {
                    packs.put(pack, entries.size() - good.size() + " of " + entries.size() + " chunks are damaged");
                }
            } catch (NoSuchFileException e) {
                // collected meanwhile
            } catch (BadRepositoryException e) {
                packs.put(pack, String.valueOf(e.getMessage()));
            }
        }
        return new Verified(chunks, damagedIndexes(), packs, hurt(sound));
    }

    private SortedMap<String, String> damagedIndexes() throws IOException {
        SortedMap<String, String> damaged = new TreeMap<>();
        for (Path path : IndexFile.all(layout)) {
            try (IndexFile file = IndexFile.open(path)) {
                file.each(new BitSet(), (_, _, _, _, _) -> {});
            } catch (NoSuchFileException e) {
                // merged meanwhile
            } catch (BadRepositoryException e) {
                damaged.put(String.valueOf(path.getFileName()), String.valueOf(e.getMessage()));
            }
        }
        return damaged;
    }

    private List<PackEntry> good(String pack, List<PackEntry> entries) throws IOException {
        try (FileChannel channel = FileChannel.open(layout.pack(pack), StandardOpenOption.READ)) {
            return entries.stream()
                    .filter(entry -> isGood(channel, pack, entry))
                    .toList();
        }
    }

    private boolean isGood(FileChannel channel, String pack, PackEntry entry) {
        if (percent < 100 && random.nextDouble() * 100 >= percent) {
            return true;
        }
        chunks++;
        String where = "chunk " + entry.id() + " in pack '" + pack + "'";
        Packer packer = packers.take();
        try {
            ByteBuffer stored = packer.buffer(Pack.CHUNK_HEADER + entry.stored());
            Pack.readFully(channel, stored, entry.offset(), where);
            packer.unpack(entry.id(), stored, where);
            return true;
        } catch (IOException e) {
            return false;
        } finally {
            packers.give(packer);
        }
    }

    private SortedMap<SnapshotId, String> hurt(ChunkIndex sound) throws IOException {
        SortedMap<SnapshotId, String> hurt = new TreeMap<>();
        try (ChunkReader reader = new ChunkReader(layout, sound, packers)) {
            for (SnapshotId id : Repository.list(layout, layout.snapshots())) {
                try {
                    Snapshot snapshot = Repository.record(layout, id);
                    if (snapshot != null) {
                        check(snapshot, reader, sound);
                    }
                } catch (BadRepositoryException e) {
                    hurt.put(id, String.valueOf(e.getMessage()));
                }
            }
        }
        return hurt;
    }

    private static void check(Snapshot snapshot, ChunkReader reader, ChunkIndex sound) throws IOException {
        for (var disk : snapshot.disks().entrySet()) {
            DiskTable table = new DiskTable(
                    disk.getValue().size(),
                    disk.getValue().leaves().stream().map(ChunkId::parse).toList(),
                    reader);
            long damaged = 0;
            for (long chunk = 0; chunk < table.count(); chunk++) {
                ChunkId id = table.get(chunk);
                if (!id.isZeroes() && !sound.contains(id)) {
                    damaged++;
                }
            }
            if (damaged > 0) {
                throw new BadRepositoryException(
                        "disk '" + disk.getKey() + "' lacks " + damaged + " of " + table.count() + " chunks");
            }
        }
        Snapshot.Tree tree = snapshot.tree();
        if (tree != null) {
            String missing = TreeChunks.missing(tree, reader, sound::contains);
            if (missing != null) {
                throw new BadRepositoryException(missing);
            }
        }
    }
}
