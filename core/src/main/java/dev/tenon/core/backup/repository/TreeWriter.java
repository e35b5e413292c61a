package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Writes the tree of a container, in its order: see {@link TreeEntry#compare}. For one thread at a time. */
public final class TreeWriter {
    /** Where the entries are cut into chunks depends on their paths only, so that a change of one changes one chunk. */
    private static final int CUT_MASK = 0x1ff;

    private static final int LEAST = 8 << 10;
    private static final int MOST = 512 << 10;

    private static final int LONGEST_NAME = 65_535;

    /** A file of more pieces has them in lists. */
    private static final int SHORT = 64;

    /** Pieces of a list. */
    static final int LIST = 1638;

    private static final int PENDING = 1024;

    /** The bytes of a file. */
    public interface Source {
        /** Where data begin at this offset or behind it; -1 if there are none. */
        long nextData(long offset) throws IOException;

        /** Where the data end that are at this offset. */
        long nextHole(long offset) throws IOException;

        long size();

        /** Reads at least one byte, 0 at the end of the file. */
        int read(long offset, byte[] to, int at, int length) throws IOException;
    }

    /** A piece whose id is known when its chunk has been stored. */
    private static final class Slot {
        private final long length;
        private ChunkId id = ChunkId.ZEROES;

        Slot(long length) {
            this.length = length;
        }
    }

    /** What becomes of it when its pieces are stored. */
    private record Pending(
            TreeEntry entry,
            List<TreeEntry.Piece> lists,
            List<Slot> slots,
            @Nullable Consumer<TreeEntry> told) {}

    private final SnapshotWriter snapshot;
    private final FastCdc chunker = FastCdc.OF_FILES;
    private final List<Pending> pending = new ArrayList<>();
    private final List<ChunkId> chunks = new ArrayList<>();
    private final ByteArrayOutputStream entries = new ByteArrayOutputStream();
    private List<SnapshotWriter.Part> parts = new ArrayList<>();
    private byte @Nullable [] buffer;
    private int cut;
    private int filled;
    private @Nullable String last;
    private long count;
    private long size;

    TreeWriter(SnapshotWriter snapshot) {
        this.snapshot = snapshot;
    }

    /** Adds an entry that has no content, or whose content is in a snapshot and {@linkplain #has there}. */
    public void add(TreeEntry entry) throws IOException {
        begin(entry);
        pending.add(new Pending(entry, List.of(), List.of(), null));
        settleSometimes();
    }

    /** Whether everything of a file of another snapshot is there, so that it need not be read. */
    public boolean has(TreeEntry entry) throws IOException {
        for (TreeEntry.Piece piece : entry.content().pieces()) {
            if (!snapshot.has(piece.id())) {
                return false;
            }
            if (entry.content().isLong()) {
                for (TreeEntry.Piece inner : TreeChunks.list(piece.id(), snapshot.reader())) {
                    if (!snapshot.has(inner.id())) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    /** Adds a file with its bytes. Answers how many were read; holes are not. */
    public long add(TreeEntry entry, Source source) throws IOException {
        begin(entry);
        return store(new Pending(entry, new ArrayList<>(), new ArrayList<>(), null), source);
    }

    /**
     * Stores the bytes of a file whose place in the order is not known yet.
     *
     * @param told gets the file with its content, to be added later; when {@link #settle} returns it has been told
     */
    public void store(TreeEntry entry, Source source, Consumer<TreeEntry> told) throws IOException {
        store(new Pending(entry, new ArrayList<>(), new ArrayList<>(), told), source);
    }

    private long store(Pending file, Source source) throws IOException {
        long read = 0;
        long at = 0;
        while (true) {
            long data = source.nextData(at);
            hole(file, (data < 0 ? source.size() : data) - at);
            if (data < 0) {
                break;
            }
            long end = source.nextHole(data);
            at = read(file, source, data, end);
            read += at - data;
            if (at < end) {
                break;
            }
        }
        pending.add(file);
        settleSometimes();
        return read;
    }

    private void begin(TreeEntry entry) throws IOException {
        String before = last;
        if (before != null && TreeEntry.compare(before, entry.path()) >= 0) {
            throw new IllegalArgumentException("'" + entry.path() + "' comes after '" + before + "'");
        }
        if (entry.path().length() > LONGEST_NAME) {
            throw new IOException("the name of '" + entry.path().substring(0, 200)
                    + "...' is too long to be kept: it has " + entry.path().length() + " bytes, at most "
                    + LONGEST_NAME + " can be");
        }
        last = entry.path();
        count++;
    }

    private void hole(Pending file, long length) throws IOException {
        if (length > 0) {
            slot(file, length);
        }
    }

    private Slot slot(Pending file, long length) throws IOException {
        if (file.slots.size() == LIST) {
            finishParts();
            snapshot.await();
            list(file);
        }
        Slot slot = new Slot(length);
        file.slots.add(slot);
        return slot;
    }

    /** Reads data of a file up to their end, or that of the file. Answers where. */
    private long read(Pending file, Source source, long from, long to) throws IOException {
        long at = from;
        boolean isEnd = false;
        while (!isEnd) {
            byte[] current = room();
            int length =
                    at == to ? 0 : source.read(at, current, filled, (int) Math.min(current.length - filled, to - at));
            filled += length;
            at += length;
            isEnd = length == 0 || at == to;
            while (filled - cut >= chunker.most() || (isEnd && filled > cut)) {
                int piece = chunker.cut(current, cut, filled - cut);
                Slot slot = slot(file, piece);
                // It may have been handed over to make room for a list.
                current = buffered();
                parts.add(new SnapshotWriter.Part(cut, piece, id -> slot.id = id));
                cut += piece;
            }
        }
        return at;
    }

    private byte[] buffered() {
        byte[] current = buffer;
        if (current == null) {
            current = snapshot.buffer();
            buffer = current;
        }
        return current;
    }

    /** A buffer that is not full; what was not cut yet is in it. */
    private byte[] room() throws IOException {
        byte[] current = buffered();
        if (filled == current.length) {
            finishParts();
            current = buffered();
        }
        return current;
    }

    /** Hands over what was cut; the rest moves to another buffer. */
    private void finishParts() throws IOException {
        byte[] current = buffer;
        if (current == null) {
            return;
        }
        int rest = filled - cut;
        byte @Nullable [] next = null;
        if (rest > 0) {
            next = snapshot.buffer();
            System.arraycopy(current, cut, next, 0, rest);
        }
        List<SnapshotWriter.Part> cutParts = parts;
        parts = new ArrayList<>();
        buffer = next;
        cut = 0;
        filled = rest;
        snapshot.store(current, cutParts);
    }

    /** Gives up what is being written. */
    void discard() {
        byte[] current = buffer;
        if (current != null) {
            buffer = null;
            snapshot.give(current);
        }
    }

    private void settleSometimes() throws IOException {
        if (pending.size() >= PENDING) {
            settle();
        }
    }

    /** Waits until all bytes are stored that were read. */
    public void settle() throws IOException {
        finishParts();
        snapshot.await();
        for (Pending each : pending) {
            TreeEntry entry = each.entry;
            if (!each.slots.isEmpty() || !each.lists.isEmpty()) {
                if (!each.lists.isEmpty() || each.slots.size() > SHORT) {
                    list(each);
                    entry = entry.with(new TreeEntry.Content(true, each.lists));
                } else {
                    entry = entry.with(new TreeEntry.Content(false, pieces(each.slots)));
                }
            }
            if (each.told == null) {
                emit(entry);
            } else {
                each.told.accept(entry);
            }
        }
        pending.clear();
    }

    /** Moves the pieces of a file, which are stored, into a list. */
    private void list(Pending file) throws IOException {
        if (file.slots.isEmpty()) {
            return;
        }
        List<TreeEntry.Piece> pieces = pieces(file.slots);
        ByteBuffer bytes = ByteBuffer.allocate(pieces.size() * TreeEntry.Piece.BYTES);
        pieces.forEach(piece -> piece.id().write(bytes.putLong(piece.length())));
        long length = pieces.stream().mapToLong(TreeEntry.Piece::length).sum();
        file.lists.add(new TreeEntry.Piece(length, snapshot.storeNow(ChunkKind.LIST, bytes.array())));
        file.slots.clear();
    }

    /** Holes that are next to each other become one. */
    private static List<TreeEntry.Piece> pieces(List<Slot> slots) {
        List<TreeEntry.Piece> pieces = new ArrayList<>();
        for (Slot slot : slots) {
            if (slot.id.isZeroes() && !pieces.isEmpty() && pieces.getLast().id().isZeroes()) {
                long before = pieces.removeLast().length();
                pieces.add(new TreeEntry.Piece(before + slot.length, ChunkId.ZEROES));
            } else {
                pieces.add(new TreeEntry.Piece(slot.length, slot.id));
            }
        }
        return pieces;
    }

    private void emit(TreeEntry entry) throws IOException {
        byte[] bytes = entry.write();
        if (bytes.length > DiskTable.CHUNK) {
            throw new IOException("'" + entry.path() + "' has " + bytes.length
                    + " bytes of attributes and names, and at most " + DiskTable.CHUNK + " can be kept");
        }
        if (entries.size() + bytes.length > MOST) {
            cutEntries();
        }
        entries.writeBytes(bytes);
        size += entry.size().bytes();
        CRC32C sum = new CRC32C();
        sum.update(entry.path().getBytes(StandardCharsets.ISO_8859_1));
        if (entries.size() >= LEAST && (sum.getValue() & CUT_MASK) == 0) {
            cutEntries();
        }
    }

    private void cutEntries() throws IOException {
        if (entries.size() > 0) {
            chunks.add(snapshot.storeNow(ChunkKind.TREE, entries.toByteArray()));
            entries.reset();
        }
    }

    /** Stores the rest, and what finds it all. */
    Snapshot.Tree finish() throws IOException {
        settle();
        cutEntries();
        List<String> leaves = new ArrayList<>();
        for (int i = 0; i < chunks.size(); i += DiskTable.LEAF) {
            List<ChunkId> leaf = chunks.subList(i, Math.min(chunks.size(), i + DiskTable.LEAF));
            ByteBuffer bytes = ByteBuffer.allocate(leaf.size() * ChunkId.BYTES);
            leaf.forEach(id -> id.write(bytes));
            leaves.add(snapshot.storeNow(ChunkKind.TABLE, bytes.array()).toString());
        }
        return new Snapshot.Tree(chunks.size(), count, ByteSize.ofBytes(size), leaves);
    }
}
