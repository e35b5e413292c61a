package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where chunks are. Large files of the index are looked into where they lie; small ones, and packs that none of them names,
 * are held in memory. The packs' own footers are the truth: an index that is missing or damaged costs only time. Calls come
 * from many threads.
 */
final class ChunkIndex implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ChunkIndex.class);

    /** A file of the index with more chunks stays on disk. */
    private static final int SMALL = 1 << 16;

    /**
     * Where a chunk is.
     *
     * @param pack the name of the pack
     * @param offset of the chunk's header
     * @param stored bytes after the header
     */
    record Place(String pack, int offset, int stored) {}

    /** A file of the index, and which of its packs count. */
    private record Large(IndexFile file, BitSet packs) {}

    private final Layout layout;
    private final DamagedChunks damaged;
    private final boolean isOfAll;
    private final ChunkTable table = new ChunkTable();
    private final List<Large> large = new ArrayList<>();
    private final Set<String> unnamed = new LinkedHashSet<>();

    /** An index of nothing. */
    ChunkIndex(Layout layout) {
        this(layout, DamagedChunks.NONE, false);
    }

    private ChunkIndex(Layout layout, DamagedChunks damaged, boolean isOfAll) {
        this.layout = layout;
        this.damaged = damaged;
        this.isOfAll = isOfAll;
    }

    /**
     * Where the chunks are of all sealed packs but some; of packs whose footer is damaged, and of chunks that verifying found
     * damaged, nothing is known.
     */
    static ChunkIndex load(Layout layout, Set<String> without) throws IOException {
        return load(layout, without, SMALL);
    }

    /**
     * The same, with another limit.
     *
     * @param small files with more chunks stay on disk
     */
    static ChunkIndex load(Layout layout, Set<String> without, int small) throws IOException {
        ChunkIndex index = new ChunkIndex(layout, DamagedChunks.read(layout), without.isEmpty());
        try {
            List<Path> files = IndexFile.all(layout);
            // After the files: a pack that they name is there, or has been collected.
            Set<String> packs = new HashSet<>(layout.packNames());
            packs.removeAll(without);
            for (Path file : files) {
                index.load(file, packs, small);
            }
            for (String pack : packs) {
                if (index.readFooter(pack)) {
                    index.unnamed.add(pack);
                }
            }
            return index;
        } catch (IOException | RuntimeException e) {
            index.close();
            throw e;
        }
    }

    /** Takes from a file what it knows of packs that are wanted; these are wanted no more. */
    private void load(Path path, Set<String> wanted, int small) throws IOException {
        try {
            IndexFile file = IndexFile.open(path);
            BitSet packs = new BitSet();
            for (int i = 0; i < file.packs().size(); i++) {
                packs.set(i, wanted.contains(file.packs().get(i)));
            }
            if (packs.isEmpty()) {
                file.close();
            } else if (file.chunks() > small) {
                large.add(new Large(file, packs));
            } else {
                try (file) {
                    file.each(
                            packs,
                            (id, pack, offset, stored, kind) -> add(file.packs().get(pack), id, offset, stored));
                }
            }
            packs.stream().forEach(pack -> wanted.remove(file.packs().get(pack)));
        } catch (NoSuchFileException e) {
            // Another one has it all.
        } catch (BadRepositoryException e) {
            LOG.warn("an index is left out: {}", e.getMessage());
        }
    }

    /** Adds what the footer of a pack says, if it is there and can be read. */
    private boolean readFooter(String pack) throws IOException {
        Optional<List<PackEntry>> entries = footer(layout, pack);
        entries.ifPresent(found -> add(pack, found));
        return entries.isPresent();
    }

    /** What is in a pack; empty if it was collected meanwhile, or cannot be read. */
    static Optional<List<PackEntry>> footer(Layout layout, String pack) throws IOException {
        try {
            return Optional.of(Pack.read(layout.pack(pack)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (BadRepositoryException e) {
            LOG.warn("a pack is left out: {}", e.getMessage());
            return Optional.empty();
        }
    }

    /** The packs that no file of the index named. */
    Set<String> unnamed() {
        return unnamed;
    }

    /** Adds the chunks of a pack; for one that is known already the first place stays. */
    void add(String pack, List<PackEntry> entries) {
        entries.forEach(entry -> add(pack, entry.id(), entry.offset(), entry.stored()));
    }

    private void add(String pack, ChunkId id, int offset, int stored) {
        if (!damaged.has(pack, id)) {
            table.add(pack, id, offset, stored);
        }
    }

    /**
     * All places of a chunk, damaged ones too. Goes through the repository, for when the place that is known is no good.
     * Nothing if this is the index of a part of the packs.
     */
    List<Place> everywhere(ChunkId id) throws IOException {
        List<Place> places = new ArrayList<>();
        if (!isOfAll) {
            return places;
        }
        Set<String> rest = new HashSet<>(layout.packNames());
        for (Path path : IndexFile.all(layout)) {
            try (IndexFile file = IndexFile.open(path)) {
                BitSet wanted = new BitSet();
                for (int pack = 0; pack < file.packs().size(); pack++) {
                    wanted.set(pack, rest.contains(file.packs().get(pack)));
                }
                Optional<Place> place = file.find(id, wanted, DamagedChunks.NONE);
                while (place.isPresent()) {
                    places.add(place.get());
                    wanted.clear(file.packs().indexOf(place.get().pack()));
                    place = file.find(id, wanted, DamagedChunks.NONE);
                }
                file.packs().forEach(rest::remove);
            } catch (NoSuchFileException | BadRepositoryException e) {
                // The packs are read instead.
            }
        }
        for (String pack : rest) {
            try {
                for (PackEntry entry : Pack.read(layout.pack(pack))) {
                    if (entry.id().equals(id)) {
                        places.add(new Place(pack, entry.offset(), entry.stored()));
                    }
                }
            } catch (NoSuchFileException | BadRepositoryException e) {
                // Nothing of it is known.
            }
        }
        return places;
    }

    Optional<Place> find(ChunkId id) throws IOException {
        Optional<Place> found = table.find(id);
        if (found.isPresent()) {
            return found;
        }
        for (Large each : files()) {
            try {
                Optional<Place> place = each.file.find(id, each.packs, damaged);
                if (place.isPresent()) {
                    return place;
                }
            } catch (IOException e) {
                LOG.warn("an index is left out, and the packs are read instead: {}", e.toString());
                readInstead(each);
                return find(id);
            }
        }
        return Optional.empty();
    }

    /** How many entries there are, at most, of packs that count and of others. */
    long count() {
        return table.count()
                + files().stream().mapToLong(each -> each.file.chunks()).sum();
    }

    boolean contains(ChunkId id) throws IOException {
        return find(id).isPresent();
    }

    private List<Large> files() {
        synchronized (large) {
            return List.copyOf(large);
        }
    }

    private void readInstead(Large damaged) throws IOException {
        synchronized (large) {
            if (!large.contains(damaged)) {
                return;
            }
            for (int pack = damaged.packs.nextSetBit(0); pack >= 0; pack = damaged.packs.nextSetBit(pack + 1)) {
                readFooter(damaged.file.packs().get(pack));
            }
            large.remove(damaged);
            damaged.file.close();
        }
    }

    @Override
    public void close() throws IOException {
        for (Large each : files()) {
            each.file.close();
        }
    }
}
