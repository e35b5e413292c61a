package dev.tenon.core.backup.repository;

import java.io.IOException;

/** Goes over the chunks of a snapshot. */
final class Marks {
    private Marks() {}

    /** Adds the chunks of a snapshot to a set; the chunks of a leaf that is in it are in it, too. */
    static void of(Snapshot snapshot, ChunkReader reader, ChunkSet live) throws IOException {
        for (Snapshot.Disk disk : snapshot.disks().values()) {
            long chunks = (disk.size().bytes() + DiskTable.CHUNK - 1) / DiskTable.CHUNK;
            for (int i = 0; i < disk.leaves().size(); i++) {
                ChunkId leaf = ChunkId.parse(disk.leaves().get(i));
                if (leaf.isZeroes() || live.contains(leaf)) {
                    continue;
                }
                int count = (int) Math.min(DiskTable.LEAF, chunks - (long) i * DiskTable.LEAF);
                for (ChunkId id : DiskTable.ids(leaf, count, reader)) {
                    if (!id.isZeroes()) {
                        live.add(id);
                    }
                }
                live.add(leaf);
            }
        }
        if (snapshot.tree() != null) {
            TreeChunks.each(snapshot.tree(), reader, new TreeChunks.Visitor() {
                @Override
                public boolean enters(ChunkId id) {
                    return live.add(id);
                }

                @Override
                public void data(ChunkId id, long length) {
                    live.add(id);
                }
            });
        }
    }
}
