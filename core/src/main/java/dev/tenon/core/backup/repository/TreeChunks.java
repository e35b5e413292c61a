package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The chunks of a container's tree: the table of chunks of entries, these, the lists of long files, and their bytes. */
final class TreeChunks {
    private TreeChunks() {}

    /** Is shown all chunks of a tree. */
    interface Visitor {
        /** A chunk that names others; answers whether to go on with these. */
        boolean enters(ChunkId id) throws IOException;

        /** Bytes of a file; none are of {@link ChunkId#ZEROES}. */
        void data(ChunkId id, long length) throws IOException;
    }

    static void each(Snapshot.Tree tree, ChunkReader reader, Visitor visitor) throws IOException {
        for (int i = 0; i < tree.leaves().size(); i++) {
            ChunkId leaf = ChunkId.parse(tree.leaves().get(i));
            if (visitor.enters(leaf)) {
                for (ChunkId chunk : DiskTable.ids(leaf, idsOf(tree, i), reader)) {
                    if (visitor.enters(chunk)) {
                        entries(chunk, reader, visitor);
                    }
                }
            }
        }
    }

    private static int idsOf(Snapshot.Tree tree, int leaf) {
        return Math.min(DiskTable.LEAF, tree.chunks() - leaf * DiskTable.LEAF);
    }

    private static void entries(ChunkId chunk, ChunkReader reader, Visitor visitor) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(reader.read(chunk));
        for (TreeEntry entry = TreeEntry.read(bytes); entry != null; entry = TreeEntry.read(bytes)) {
            for (TreeEntry.Piece piece : entry.content().pieces()) {
                if (!entry.content().isLong()) {
                    data(piece, visitor);
                } else if (visitor.enters(piece.id())) {
                    for (TreeEntry.Piece inner : list(piece.id(), reader)) {
                        data(inner, visitor);
                    }
                }
            }
        }
    }

    private static void data(TreeEntry.Piece piece, Visitor visitor) throws IOException {
        if (!piece.id().isZeroes()) {
            visitor.data(piece.id(), piece.length());
        }
    }

    /** The chunks of entries, in their order. */
    static List<ChunkId> of(Snapshot.Tree tree, ChunkReader reader) throws IOException {
        List<ChunkId> chunks = new ArrayList<>(tree.chunks());
        for (int i = 0; i < tree.leaves().size(); i++) {
            chunks.addAll(DiskTable.ids(ChunkId.parse(tree.leaves().get(i)), idsOf(tree, i), reader));
        }
        return chunks;
    }

    /** The pieces in a list. */
    static List<TreeEntry.Piece> list(ChunkId id, ChunkReader reader) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(reader.read(id));
        try {
            return TreeEntry.pieces(bytes, bytes.remaining() / TreeEntry.Piece.BYTES);
        } catch (BufferUnderflowException e) {
            throw Packer.damaged("chunk " + id + ", which is no list,");
        }
    }

    /** Which chunk is missing, and what it is of; null if none is. Bytes of files are not read. */
    static @Nullable String missing(Snapshot.Tree tree, ChunkReader reader, Having having) throws IOException {
        long[] missing = {0};
        each(tree, reader, new Visitor() {
            private final ChunkSet entered = new ChunkSet();
            private final ChunkSet seen = new ChunkSet();

            @Override
            public boolean enters(ChunkId id) {
                return entered.add(id);
            }

            @Override
            public void data(ChunkId id, long length) throws IOException {
                if (seen.add(id) && !having.has(id)) {
                    missing[0]++;
                }
            }
        });
        return missing[0] == 0 ? null : "the files lack " + missing[0] + " chunks";
    }

    /** Tells whether a chunk is there. */
    interface Having {
        boolean has(ChunkId id) throws IOException;
    }
}
