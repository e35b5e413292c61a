package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes files of the index, and keeps them few: a new one takes in those that are not much larger than it is. It appears
 * before they go, so that whoever looks finds each pack in one of them, or else reads the pack.
 */
final class Indexes {
    private static final Logger LOG = LoggerFactory.getLogger(Indexes.class);
    /** So many chunks of packs are held at once. */
    private static final int BATCH = 1 << 16;

    private static final String FILE = "index";

    private Indexes() {}

    private record Entry(ChunkId id, int pack, int offset, int stored, ChunkKind kind) {}

    /** Entries in the order of their ids. */
    private interface Source {
        /** The next one; null after the last. */
        @Nullable
        Entry next() throws IOException;
    }

    /** Where what is in a pack is known. */
    private interface Content {
        Optional<List<PackEntry>> of(String pack) throws IOException;
    }

    /** Makes sealed packs known. */
    static void publish(Layout layout, Lease lease, Map<String, List<PackEntry>> packs) throws IOException {
        publish(layout, lease, packs.keySet(), pack -> Optional.ofNullable(packs.get(pack)));
    }

    /** The same of packs that say themselves what is in them: there may be too many of them for the memory. */
    static void publish(Layout layout, Lease lease, Set<String> packs) throws IOException {
        publish(layout, lease, packs, pack -> ChunkIndex.footer(layout, pack));
    }

    private static void publish(Layout layout, Lease lease, Set<String> packs, Content content) throws IOException {
        Map<String, List<PackEntry>> batch = new HashMap<>();
        int chunks = 0;
        for (String pack : packs) {
            List<PackEntry> entries = content.of(pack).orElse(null);
            if (entries == null) {
                continue;
            }
            batch.put(pack, entries);
            chunks += entries.size();
            if (chunks >= BATCH) {
                merge(layout, lease, batch, false);
                batch.clear();
                chunks = 0;
            }
        }
        if (!batch.isEmpty()) {
            merge(layout, lease, batch, false);
        }
    }

    /** Makes one file of all, without the packs that are gone. */
    static void compact(Layout layout) throws IOException {
        try (Lease lease = Lease.take(layout, Lease.Kind.WRITE);
                ChunkIndex index = ChunkIndex.load(layout, Set.of())) {
            publish(layout, lease, index.unnamed());
            merge(layout, lease, Map.of(), true);
        }
    }

    private static void merge(Layout layout, Lease lease, Map<String, List<PackEntry>> packs, boolean isAll)
            throws IOException {
        while (true) {
            Deque<IndexFile> open = new ArrayDeque<>();
            List<Path> taken = new ArrayList<>();
            try {
                long chunks = packs.values().stream().mapToLong(List::size).sum();
                for (Path path : IndexFile.all(layout).reversed()) {
                    IndexFile file = opened(path);
                    if (file == null) {
                        continue;
                    }
                    open.add(file);
                    if (!isAll && file.chunks() > 2 * chunks) {
                        break;
                    }
                    chunks += file.chunks();
                    taken.add(path);
                }
                Set<String> there = isAll ? new HashSet<>(layout.packNames()) : Set.of();
                Predicate<String> isKept = isAll ? there::contains : _ -> true;
                if (isAll && taken.size() < 2 && open.stream().allMatch(file -> there.containsAll(file.packs()))) {
                    return;
                }
                String name = write(
                        lease.file(FILE),
                        packs,
                        open.stream().limit(taken.size()).toList(),
                        isKept,
                        chunks);
                Layout.makeDirectory(layout.indexes());
                Path place = layout.indexes().resolve(name);
                Layout.move(lease.file(FILE), place);
                for (Path path : taken) {
                    if (!path.equals(place)) {
                        Files.deleteIfExists(path);
                    }
                }
                return;
            } catch (Damaged e) {
                remove(taken.get(e.number), e);
            } finally {
                for (IndexFile file : open) {
                    file.close();
                }
            }
        }
    }

    /** That one of the files that are merged is damaged. */
    private static final class Damaged extends IOException {
        private static final long serialVersionUID = 1L;

        private final int number;

        Damaged(int number, IOException cause) {
            super(cause.getMessage(), cause);
            this.number = number;
        }
    }

    private static @Nullable IndexFile opened(Path path) throws IOException {
        try {
            return IndexFile.open(path);
        } catch (NoSuchFileException e) {
            return null;
        } catch (BadRepositoryException e) {
            remove(path, e);
            return null;
        }
    }

    /** The packs that it named are looked for anew. */
    private static void remove(Path path, IOException why) throws IOException {
        LOG.warn("a damaged index is removed, and made anew by the next backup: {}", why.getMessage());
        Files.deleteIfExists(path);
    }

    private static String write(
            Path to, Map<String, List<PackEntry>> packs, List<IndexFile> files, Predicate<String> isKept, long most)
            throws IOException {
        Map<String, Integer> numbers = new HashMap<>();
        List<String> names = new ArrayList<>();
        List<Source> sources = new ArrayList<>();
        sources.add(sorted(packs, numbers, names));
        for (int i = 0; i < files.size(); i++) {
            IndexFile file = files.get(i);
            BitSet wanted = new BitSet();
            int[] meaning = new int[file.packs().size()];
            for (int pack = 0; pack < meaning.length; pack++) {
                String name = file.packs().get(pack);
                boolean isNew = !numbers.containsKey(name) && isKept.test(name);
                wanted.set(pack, isNew);
                if (isNew) {
                    meaning[pack] = number(name, numbers, names);
                }
            }
            sources.add(new FileSource(file, i, wanted, meaning)::next);
        }
        record Head(Entry entry, Source source) {}
        PriorityQueue<Head> heads = new PriorityQueue<>(Comparator.comparing(head -> head.entry.id));
        for (Source source : sources) {
            Entry first = source.next();
            if (first != null) {
                heads.add(new Head(first, source));
            }
        }
        try (IndexWriter writer = new IndexWriter(to, names, most)) {
            for (Head head = heads.poll(); head != null; head = heads.poll()) {
                Entry entry = head.entry;
                writer.add(entry.id, entry.pack, entry.offset, entry.stored, entry.kind);
                Entry next = head.source.next();
                if (next != null) {
                    heads.add(new Head(next, head.source));
                }
            }
            return writer.finish();
        }
    }

    private static int number(String pack, Map<String, Integer> numbers, List<String> names) {
        return numbers.computeIfAbsent(pack, _ -> {
            names.add(pack);
            return names.size() - 1;
        });
    }

    private static Source sorted(Map<String, List<PackEntry>> packs, Map<String, Integer> numbers, List<String> names) {
        List<Entry> entries = new ArrayList<>();
        packs.forEach((name, content) -> {
            int pack = number(name, numbers, names);
            content.forEach(
                    entry -> entries.add(new Entry(entry.id(), pack, entry.offset(), entry.stored(), entry.kind())));
        });
        entries.sort(Comparator.comparing(Entry::id));
        return new ArrayDeque<>(entries)::poll;
    }

    /** What a file says of packs that are kept, bucket by bucket. */
    private static final class FileSource {
        private final IndexFile file;
        private final int number;
        private final BitSet wanted;
        private final int[] meaning;
        private final Deque<Entry> ahead = new ArrayDeque<>();
        private int bucket;

        FileSource(IndexFile file, int number, BitSet wanted, int[] meaning) {
            this.file = file;
            this.number = number;
            this.wanted = wanted;
            this.meaning = meaning;
        }

        @Nullable
        Entry next() throws IOException {
            try {
                while (ahead.isEmpty() && bucket < file.buckets()) {
                    file.each(
                            bucket++,
                            wanted,
                            (id, pack, offset, stored, kind) ->
                                    ahead.add(new Entry(id, meaning[pack], offset, stored, kind)));
                }
                return ahead.poll();
            } catch (IOException e) {
                throw new Damaged(number, e);
            }
        }
    }
}
