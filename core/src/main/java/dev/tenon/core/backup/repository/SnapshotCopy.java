package dev.tenon.core.backup.repository;

import java.io.IOException;

/** Brings what a snapshot needs into another repository, as far as it is not there. Every chunk is checked on the way. */
final class SnapshotCopy implements TreeChunks.Visitor {
    private final ChunkReader from;
    private final SnapshotWriter to;
    private final ChunkSet seen = new ChunkSet();

    SnapshotCopy(ChunkReader from, SnapshotWriter to) {
        this.from = from;
        this.to = to;
    }

    void copy(Snapshot snapshot) throws IOException {
        for (Snapshot.Disk disk : snapshot.disks().values()) {
            DiskTable table = DiskTable.of(disk, from);
            for (String leaf : disk.leaves()) {
                named(ChunkKind.TABLE, ChunkId.parse(leaf));
            }
            for (long chunk = 0; chunk < table.count(); chunk++) {
                ChunkId id = table.get(chunk);
                if (!id.isZeroes()) {
                    data(id, table.length(chunk));
                }
            }
        }
        Snapshot.Tree tree = snapshot.tree();
        if (tree != null) {
            for (String leaf : tree.leaves()) {
                named(ChunkKind.TABLE, ChunkId.parse(leaf));
            }
            for (ChunkId entries : TreeChunks.of(tree, from)) {
                named(ChunkKind.TREE, entries);
            }
            TreeChunks.each(tree, from, this);
        }
    }

    /** A chunk that names others; a leaf of zeroes only is not stored. */
    private void named(ChunkKind kind, ChunkId id) throws IOException {
        if (!id.isZeroes() && seen.add(id) && !to.has(id)) {
            to.storeNow(kind, from.read(id));
        }
    }

    /** What was not copied yet is a list. */
    @Override
    public boolean enters(ChunkId id) throws IOException {
        named(ChunkKind.LIST, id);
        return true;
    }

    @Override
    public void data(ChunkId id, long length) throws IOException {
        if (seen.add(id) && !to.has(id)) {
            byte[] chunk = from.read(id);
            byte[] buffer = to.buffer();
            System.arraycopy(chunk, 0, buffer, 0, chunk.length);
            to.store(buffer, chunk.length, _ -> {});
        }
    }
}
