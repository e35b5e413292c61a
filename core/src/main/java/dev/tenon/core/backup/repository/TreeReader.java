package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads the tree of a container in a snapshot. Calls come from many threads; every byte is checked before it is given. */
public final class TreeReader {
    private static final int CACHED = 8;

    private final List<ChunkId> ids;
    private final ChunkReader chunks;
    private final Map<ChunkId, byte[]> cache = new LinkedHashMap<>(CACHED, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<ChunkId, byte[]> eldest) {
            return size() > CACHED;
        }
    };

    TreeReader(Snapshot.Tree tree, ChunkReader chunks) throws IOException {
        this.ids = TreeChunks.of(tree, chunks);
        this.chunks = chunks;
    }

    /** How many chunks of entries there are. */
    public int count() {
        return ids.size();
    }

    /** The entries of one chunk, in their order. */
    public List<TreeEntry> entries(int chunk) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(chunks.read(ids.get(chunk)));
        List<TreeEntry> entries = new ArrayList<>();
        for (TreeEntry entry = TreeEntry.read(bytes); entry != null; entry = TreeEntry.read(bytes)) {
            entries.add(entry);
        }
        return entries;
    }

    /** What is at a path. */
    public Optional<TreeEntry> find(String path) throws IOException {
        TreeEntry entry = from(path).next();
        return entry != null && entry.path().equals(path) ? Optional.of(entry) : Optional.empty();
    }

    /** All entries from a path on; the empty one is the first. */
    public Cursor from(String path) throws IOException {
        int low = 0;
        int high = ids.size();
        // The last chunk whose first entry is not behind the path.
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            TreeEntry first = TreeEntry.read(ByteBuffer.wrap(chunks.read(ids.get(middle))));
            if (first == null || TreeEntry.compare(first.path(), path) > 0) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Cursor cursor = new Cursor(low);
        cursor.skipTo(path);
        return cursor;
    }

    /** Goes over entries in their order. For one thread at a time. */
    public final class Cursor {
        private int chunk;
        private ByteBuffer bytes = ByteBuffer.allocate(0);
        private @Nullable TreeEntry ahead;

        private Cursor(int chunk) {
            this.chunk = chunk;
        }

        /** The next entry; null at the end. */
        public @Nullable TreeEntry next() throws IOException {
            TreeEntry entry = peek();
            ahead = null;
            return entry;
        }

        /** The same, which stays the next one. */
        public @Nullable TreeEntry peek() throws IOException {
            TreeEntry entry = ahead;
            while (entry == null) {
                if (!bytes.hasRemaining()) {
                    if (chunk == ids.size()) {
                        return null;
                    }
                    bytes = ByteBuffer.wrap(chunks.read(ids.get(chunk++)));
                }
                entry = TreeEntry.read(bytes);
            }
            ahead = entry;
            return entry;
        }

        /** Leaves out what is before a path. Answers the entry at it; null if there is none. */
        public @Nullable TreeEntry skipTo(String path) throws IOException {
            while (true) {
                TreeEntry entry = peek();
                if (entry == null) {
                    return null;
                }
                int order = TreeEntry.compare(entry.path(), path);
                if (order >= 0) {
                    return order == 0 ? entry : null;
                }
                ahead = null;
            }
        }
    }

    /** The bytes of a file. */
    public FileContent content(TreeEntry file) {
        return new FileContent(file, this);
    }

    List<TreeEntry.Piece> list(ChunkId id) throws IOException {
        return TreeChunks.list(id, chunks);
    }

    byte[] chunk(ChunkId id) throws IOException {
        byte @Nullable [] cached;
        synchronized (cache) {
            cached = cache.get(id);
        }
        if (cached != null) {
            return cached;
        }
        byte[] chunk = chunks.read(id);
        synchronized (cache) {
            cache.put(id, chunk);
        }
        return chunk;
    }
}
