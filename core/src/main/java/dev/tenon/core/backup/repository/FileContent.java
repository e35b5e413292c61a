package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The bytes of a file of a snapshot, read anywhere. Calls come from many threads. */
public final class FileContent {
    private final TreeEntry file;
    private final TreeReader tree;
    private final long[] ends;
    private List<TreeEntry.Piece> list = List.of();
    private int listed = -1;

    FileContent(TreeEntry file, TreeReader tree) {
        this.file = file;
        this.tree = tree;
        this.ends = ends(file.content().pieces());
    }

    /** Bytes of data, which are not known to be a hole. */
    public record Data(long offset, long length) {}

    private static long[] ends(List<TreeEntry.Piece> pieces) {
        long[] ends = new long[pieces.size()];
        long end = 0;
        for (int i = 0; i < ends.length; i++) {
            end += pieces.get(i).length();
            ends[i] = end;
        }
        return ends;
    }

    public long size() {
        return ends.length == 0 ? 0 : ends[ends.length - 1];
    }

    /** Where its data are, in their order, none next to another. */
    public List<Data> data() throws IOException {
        List<Data> data = new ArrayList<>();
        long at = 0;
        for (TreeEntry.Piece piece : file.content().pieces()) {
            for (TreeEntry.Piece inner : file.content().isLong() ? tree.list(piece.id()) : List.of(piece)) {
                if (!inner.id().isZeroes()) {
                    if (!data.isEmpty() && data.getLast().offset + data.getLast().length == at) {
                        Data before = data.removeLast();
                        data.add(new Data(before.offset, before.length + inner.length()));
                    } else {
                        data.add(new Data(at, inner.length()));
                    }
                }
                at += inner.length();
            }
        }
        return data;
    }

    /**
     * Fills a buffer.
     *
     * @param offset bytes; with what remains in the buffer not behind the file's end
     * @throws BadRepositoryException if a chunk is missing or damaged; nothing of it is in the buffer
     */
    public void read(long offset, ByteBuffer to) throws IOException {
        if (offset < 0 || offset + to.remaining() > size()) {
            throw new IllegalArgumentException(
                    "bytes " + offset + " to " + (offset + to.remaining()) + " of a file of " + size());
        }
        read(file.content().pieces(), ends, file.content().isLong(), offset, to);
    }

    private void read(List<TreeEntry.Piece> pieces, long[] until, boolean isLong, long offset, ByteBuffer to)
            throws IOException {
        int number = find(until, offset);
        long at = offset;
        while (to.hasRemaining() && number < until.length) {
            TreeEntry.Piece piece = pieces.get(number);
            long begin = at - (until[number] - piece.length());
            int length = (int) Math.min(to.remaining(), piece.length() - begin);
            ByteBuffer part = to.slice(to.position(), length);
            if (isLong) {
                List<TreeEntry.Piece> inner = list(number);
                read(inner, ends(inner), false, begin, part);
            } else if (piece.id().isZeroes()) {
                while (part.hasRemaining()) {
                    part.put((byte) 0);
                }
            } else {
                byte[] chunk = tree.chunk(piece.id());
                if (chunk.length != piece.length()) {
                    throw Packer.damaged("chunk " + piece.id() + ", which has the wrong size for its file,");
                }
                part.put(chunk, (int) begin, length);
            }
            to.position(to.position() + length);
            at += length;
            number++;
        }
        if (to.hasRemaining()) {
            throw Packer.damaged("a list of the pieces of a file");
        }
    }

    /** The first piece that ends behind an offset. */
    private static int find(long[] until, long offset) {
        int low = 0;
        int high = until.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (until[middle] <= offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private synchronized List<TreeEntry.Piece> list(int number) throws IOException {
        if (listed != number) {
            list = tree.list(file.content().pieces().get(number).id());
            listed = number;
        }
        return list;
    }
}
