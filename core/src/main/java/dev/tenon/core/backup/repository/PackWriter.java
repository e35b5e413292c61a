package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Appends chunks to packs that lie under a lease until each is sealed. Calls come from many threads. */
final class PackWriter implements AutoCloseable {
    static final int SIZE = 64 << 20;

    private final Layout layout;
    private final Lease lease;
    private final Map<String, List<PackEntry>> sealed = new LinkedHashMap<>();
    private List<PackEntry> entries = new ArrayList<>();
    private @Nullable FileChannel channel;
    private Path file;
    private int offset;
    private long written;
    private int count;

    PackWriter(Layout layout, Lease lease) {
        this.layout = layout;
        this.lease = lease;
        this.file = lease.file("pack-0");
    }

    /** Appends a stored chunk, with its header. */
    synchronized void append(ChunkId id, ChunkKind kind, int plain, ByteBuffer stored) throws IOException {
        if (channel != null && (long) offset + stored.remaining() > SIZE) {
            seal();
        }
        FileChannel to = channel;
        if (to == null) {
            file = lease.file("pack-" + count++);
            to = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            channel = to;
            Pack.writeFully(to, ByteBuffer.wrap(Pack.MAGIC));
            offset = Pack.MAGIC.length;
        }
        int size = stored.remaining();
        Pack.writeFully(to, stored);
        entries.add(new PackEntry(id, kind, offset, size - Pack.CHUNK_HEADER, plain));
        offset += size;
        written += size;
    }

    /** Bytes that were written. */
    synchronized long written() {
        return written;
    }

    /** Seals what is open: every chunk that was appended is durable and can be found. */
    synchronized void seal() throws IOException {
        FileChannel open = channel;
        if (open == null) {
            return;
        }
        try (open) {
            Pack.writeFully(open, Pack.footer(entries));
            open.force(true);
        }
        channel = null;
        String name = Pack.name(entries);
        Path place = layout.pack(name);
        Layout.makeDirectory(Layout.parent(place));
        Layout.move(file, place);
        // One of the same name may have been there, and damaged.
        DamagedChunks.note(layout, name, List.of());
        sealed.put(name, entries);
        entries = new ArrayList<>();
    }

    /** The packs that were sealed, with what is in them. */
    synchronized Map<String, List<PackEntry>> sealed() {
        return Map.copyOf(sealed);
    }

    /** Leaves what is not sealed to the end of the lease. */
    @Override
    public synchronized void close() throws IOException {
        if (channel != null) {
            channel.close();
            channel = null;
        }
    }
}
