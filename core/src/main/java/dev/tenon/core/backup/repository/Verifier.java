package dev.tenon.core.backup.repository;

import dev.tenon.core.failure.Failures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads and checks what is in a repository. */
public final class Verifier {
    private static final Logger LOG = LoggerFactory.getLogger(Verifier.class);

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
     * @param parities the packs whose parity is missing or damaged, each with the reason; it hurts nobody, and a repair makes it
     *     anew. Of packs that are damaged only whether it is missing
     * @param snapshots the snapshots that cannot be restored whole, each with the reason; none is hurt by damage that is not
     *     in it
     */
    public record Verified(
            long chunks,
            SortedMap<String, String> indexes,
            SortedMap<String, String> packs,
            SortedMap<String, String> parities,
            SortedMap<SnapshotId, String> snapshots) {
        public boolean isSound() {
            return indexes.isEmpty() && packs.isEmpty() && parities.isEmpty() && snapshots.isEmpty();
        }
    }

    Verified verify() throws IOException {
        try (Lease _ = Lease.take(layout, Lease.Kind.READ)) {
            return checked();
        }
    }

    private Verified checked() throws IOException {
        SortedMap<String, String> packs = new TreeMap<>();
        SortedMap<String, String> parities = new TreeMap<>();
        ChunkIndex sound = new ChunkIndex(layout);
        DamagedChunks known = DamagedChunks.read(layout);
        // Before the packs: those of a snapshot that is published later may not be among them.
        List<SnapshotId> ids = Repository.list(layout, layout.snapshots());
        List<String> names = layout.packNames();
        for (String pack : names) {
            try {
                List<PackEntry> entries = Pack.read(layout.pack(pack));
                if (!Pack.name(entries).equals(pack)) {
                    throw new BadRepositoryException("pack '" + pack + "' has the name of another");
                }
                List<PackEntry> good = good(pack, entries, known);
                sound.add(pack, good);
                List<PackEntry> bad = new ArrayList<>(entries);
                bad.removeAll(good);
                boolean isHeadGood = Pack.beginsAsOne(layout.pack(pack));
                note(
                        pack,
                        isHeadGood
                                ? bad.stream()
                                        .map(entry -> entry.id().toString())
                                        .toList()
                                : List.of(DamagedChunks.ALL));
                if (!isHeadGood) {
                    packs.put(pack, "pack '" + pack + "' does not begin as a pack does");
                }
                if (good.size() < entries.size()) {
                    packs.put(pack, entries.size() - good.size() + " of " + entries.size() + " chunks are damaged");
                }
            } catch (ClosedByInterruptException e) {
                throw e;
            } catch (NoSuchFileException e) {
                // collected meanwhile
                continue;
            } catch (BadRepositoryException e) {
                packs.put(pack, String.valueOf(e.getMessage()));
                note(pack, List.of(DamagedChunks.ALL));
            } catch (IOException e) {
                packs.put(pack, "it cannot be read: " + Failures.reason(e));
                note(pack, List.of(DamagedChunks.ALL));
            }
            checkParity(pack, !packs.containsKey(pack), parities);
        }
        for (String pack : known.packs()) {
            if (!names.contains(pack)) {
                note(pack, List.of());
            }
        }
        layout.requirePresent();
        return new Verified(chunks, damagedIndexes(), packs, parities, hurt(ids, sound));
    }

    private void checkParity(String pack, boolean isSound, SortedMap<String, String> parities) throws IOException {
        if (layout.parityPercent() == 0) {
            return;
        }
        try {
            if (!Files.exists(layout.parity(pack))) {
                if (Files.exists(layout.pack(pack))) {
                    parities.put(pack, "it has no parity");
                }
            } else if (isSound
                    && isChosen()
                    && !Parity.fits(Repairer.bytes(layout.pack(pack)), Repairer.bytes(layout.parity(pack)))) {
                parities.put(pack, "its parity is damaged, or is of another pack");
            }
        } catch (ClosedByInterruptException e) {
            throw e;
        } catch (NoSuchFileException e) {
            // collected or made anew meanwhile
        } catch (IOException e) {
            parities.put(pack, "its parity cannot be read: " + Failures.reason(e));
        }
    }

    /** Whether a sample has something. */
    private boolean isChosen() {
        return percent >= 100 || random.nextDouble() * 100 < percent;
    }

    private void note(String pack, List<String> damaged) {
        try {
            DamagedChunks.note(layout, pack, damaged);
        } catch (IOException e) {
            LOG.warn(
                    "what is damaged in pack '{}' cannot be noted, so the next backup will not store it again: {}",
                    pack,
                    e.toString());
        }
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

    private List<PackEntry> good(String pack, List<PackEntry> entries, DamagedChunks known) throws IOException {
        List<PackEntry> good = new ArrayList<>();
        try (FileChannel channel = FileChannel.open(layout.pack(pack), StandardOpenOption.READ)) {
            for (PackEntry entry : entries) {
                if (isGood(channel, pack, entry, known.has(pack, entry.id()))) {
                    good.add(entry);
                }
            }
        }
        return good;
    }

    private boolean isGood(FileChannel channel, String pack, PackEntry entry, boolean isDoubtful) throws IOException {
        if (!isDoubtful && !isChosen()) {
            return true;
        }
        chunks++;
        String where = "chunk " + entry.id() + " in pack '" + pack + "'";
        Packer packer = packers.take();
        try {
            ByteBuffer stored = packer.buffer(Pack.CHUNK_HEADER + entry.stored());
            Pack.readFully(channel, stored, entry.offset(), where);
            packer.check(entry, stored, where);
            return true;
        } catch (ClosedByInterruptException e) {
            throw e;
        } catch (IOException e) {
            return false;
        } finally {
            packers.give(packer);
        }
    }

    /** Which of some snapshots lack chunks if only these are there. */
    SortedMap<SnapshotId, String> hurt(List<SnapshotId> ids, ChunkIndex sound) throws IOException {
        SortedMap<SnapshotId, String> hurt = new TreeMap<>();
        try (ChunkReader reader = new ChunkReader(layout, sound, packers)) {
            for (SnapshotId id : ids) {
                try {
                    Snapshot snapshot = Repository.record(layout, id, packers.key());
                    if (snapshot != null) {
                        check(snapshot, reader, sound);
                    }
                } catch (ClosedByInterruptException e) {
                    throw e;
                } catch (BadRepositoryException e) {
                    hurt.put(id, String.valueOf(e.getMessage()));
                } catch (IOException e) {
                    hurt.put(id, "it cannot be read: " + Failures.reason(e));
                }
            }
        }
        return hurt;
    }

    private static void check(Snapshot snapshot, ChunkReader reader, ChunkIndex sound) throws IOException {
        for (var disk : snapshot.disks().entrySet()) {
            DiskTable table = DiskTable.of(disk.getValue(), reader);
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
