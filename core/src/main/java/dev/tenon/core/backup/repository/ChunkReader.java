package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.StandardOpenOption;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Reads chunks, each checked by its id. It closes its index with itself. Calls come from many threads. */
final class ChunkReader implements AutoCloseable {
    private static final int OPEN_PACKS = 64;

    private final Layout layout;
    private final ChunkIndex index;
    private final Packer.Pool packers;
    private final Map<String, FileChannel> open = new LinkedHashMap<>(OPEN_PACKS, 0.75f, true);

    /** Who reads ahead may come late, and must not open a pack again. */
    private boolean isClosed;

    ChunkReader(Layout layout, ChunkIndex index, Packer.Pool packers) {
        this.layout = layout;
        this.index = index;
        this.packers = packers;
    }

    /**
     * A chunk that is stored, from any of its places.
     *
     * @throws BadRepositoryException if it is not there or is damaged
     * @throws IOException if it cannot be read from any of them
     */
    byte[] read(ChunkId id) throws IOException {
        requireOpen();
        Optional<ChunkIndex.Place> place = index.find(id);
        if (place.isEmpty()) {
            return read(
                    id,
                    new BadRepositoryException("chunk " + id
                            + " is in no pack; verify the repository, which names the snapshots that it hurts"));
        }
        try {
            return read(id, place.get());
        } catch (ClosedByInterruptException e) {
            throw e;
        } catch (IOException e) {
            return read(id, e);
        }
    }

    /** Of all places the first that is good. */
    private byte[] read(ChunkId id, IOException failure) throws IOException {
        requireOpen();
        for (ChunkIndex.Place place : index.everywhere(id)) {
            try {
                return read(id, place);
            } catch (ClosedByInterruptException e) {
                throw e;
            } catch (IOException e) {
                failure.addSuppressed(e);
            }
        }
        throw failure;
    }

    private void requireOpen() throws IOException {
        synchronized (open) {
            if (isClosed) {
                throw new IOException("the repository is not read any more");
            }
        }
    }

    private byte[] read(ChunkId id, ChunkIndex.Place place) throws IOException {
        String where = where(id, place);
        openFirst(place);
        Packer packer = packers.take();
        try {
            return packer.unpack(id, stored(packer, place, where), where);
        } finally {
            packers.give(packer);
        }
    }

    /** Takes a chunk. */
    interface Use {
        /**
         * Uses it.
         *
         * @param chunk direct; valid until this returns
         */
        void of(ByteBuffer chunk) throws IOException;
    }

    /** The same as {@link #read} for one who needs the chunk only once, without a copy of it. */
    void use(ChunkId id, Use use) throws IOException {
        requireOpen();
        Optional<ChunkIndex.Place> place = index.find(id);
        if (place.isEmpty() || !isUsed(id, place.get(), use)) {
            byte[] chunk = read(id);
            use.of(ByteBuffer.allocateDirect(chunk.length).put(chunk).flip());
        }
    }

    /** Not if it cannot be read from there. */
    private boolean isUsed(ChunkId id, ChunkIndex.Place place, Use use) throws IOException {
        String where = where(id, place);
        Packer packer = null;
        try {
            ByteBuffer chunk;
            try {
                openFirst(place);
                packer = packers.take();
                chunk = packer.unpacked(id, stored(packer, place, where), where);
            } catch (ClosedByInterruptException e) {
                throw e;
            } catch (IOException e) {
                return false;
            }
            use.of(chunk);
            return true;
        } finally {
            if (packer != null) {
                packers.give(packer);
            }
        }
    }

    /** Opening may hang with a storage: whoever waits for that has no packer, which others need. */
    private void openFirst(ChunkIndex.Place place) throws IOException {
        channel(place.pack());
    }

    private static String where(ChunkId id, ChunkIndex.Place place) {
        return "chunk " + id + " in pack '" + place.pack() + "'";
    }

    boolean has(ChunkId id) throws IOException {
        return index.contains(id);
    }

    private ByteBuffer stored(Packer packer, ChunkIndex.Place place, String where) throws IOException {
        while (true) {
            ByteBuffer stored = packer.buffer(Pack.CHUNK_HEADER + place.stored());
            try {
                Pack.readFully(channel(place.pack()), stored, place.offset(), where);
                return stored;
            } catch (ClosedByInterruptException e) {
                throw e;
            } catch (ClosedChannelException e) {
                // another thread needed room for its own pack
            }
        }
    }

    private FileChannel channel(String pack) throws IOException {
        synchronized (open) {
            requireOpen();
            FileChannel channel = open.get(pack);
            if (channel == null || !channel.isOpen()) {
                try {
                    channel = FileChannel.open(layout.pack(pack), StandardOpenOption.READ);
                } catch (NoSuchFileException e) {
                    throw Packer.damaged("pack '" + pack + "', which has gone,");
                }
                open.put(pack, channel);
                if (open.size() > OPEN_PACKS) {
                    Iterator<FileChannel> oldest = open.values().iterator();
                    oldest.next().close();
                    oldest.remove();
                }
            }
            return channel;
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (open) {
            isClosed = true;
            for (FileChannel channel : open.values()) {
                channel.close();
            }
            open.clear();
        }
        index.close();
    }
}
