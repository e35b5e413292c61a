package dev.tenon.core.backup.repository;

import java.io.IOException;

/** Goes over the chunks of a snapshot. */
final class Marks {
    private Marks() {}

    /**
     * Adds the chunks of a snapshot to a set.
     *
     * @param entered the chunks that name others, as far as these are in the set. A chunk in the set need not be one: the
     *     bytes of a file may be those of a list, and are the same chunk then
     */
    static void of(Snapshot snapshot, ChunkReader reader, ChunkSet live, ChunkSet entered) throws IOException {
        for (Snapshot.Disk disk : snapshot.disks().values()) {
            long chunks = (disk.size().bytes() + DiskTable.CHUNK - 1) / DiskTable.CHUNK;
            for (int i = 0; i < disk.leaves().size(); i++) {
                ChunkId leaf = ChunkId.parse(disk.leaves().get(i));
                if (leaf.isZeroes() || entered.contains(leaf)) {
                    continue;
                }
                int count = (int) Math.min(DiskTable.LEAF, chunks - (long) i * DiskTable.LEAF);
                for (ChunkId id : DiskTable.ids(leaf, count, reader)) {
                    if (!id.isZeroes()) {
                        live.add(id);
                    }
                }
                live.add(leaf);
                entered.add(leaf);
            }
        }
        if (snapshot.tree() != null) {
            TreeChunks.each(snapshot.tree(), reader, new TreeChunks.Visitor() {
                @Override
                public boolean enters(ChunkId id) {
                    live.add(id);
                    return entered.add(id);
                }

                @Override
                public void data(ChunkId id, long length) {
                    live.add(id);
                }
            });
        }
    }
}
