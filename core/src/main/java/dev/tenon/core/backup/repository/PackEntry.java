package dev.tenon.core.backup.repository;

import java.nio.ByteBuffer;

/**
 * Where a chunk is in its pack.
 *
 * @param offset of the chunk's header, from the pack's beginning
 * @param stored bytes after the header, at most 2 GiB
 * @param plain bytes of the chunk
 */
record PackEntry(ChunkId id, ChunkKind kind, int offset, int stored, int plain) {
    static final int BYTES = 48;

    void write(ByteBuffer to) {
        id.write(to);
        to.put((byte) kind.number())
                .put((byte) 0)
                .putShort((short) 0)
                .putInt(offset)
                .putInt(stored)
                .putInt(plain);
    }

    static PackEntry read(ByteBuffer from, String where) throws BadRepositoryException {
        ChunkId id = ChunkId.read(from);
        ChunkKind kind = ChunkKind.of(from.get(), where);
        from.get();
        from.getShort();
        PackEntry entry = new PackEntry(id, kind, from.getInt(), from.getInt(), from.getInt());
        if (entry.offset < Pack.MAGIC.length || entry.stored < 0 || entry.plain < 0) {
            throw new BadRepositoryException(where + " has a chunk at no possible place; verify the repository");
        }
        return entry;
    }
}
