package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Appends chunks to packs that lie under a lease until each is sealed. A pack never gets the name of one that is condemned: a
 * collector that does not wait for this writer would remove it. Calls come from many threads.
 */
final class PackWriter implements AutoCloseable {
    static final int SIZE = 64 << 20;

    /** For a chunk by which a pack gets another name. */
    private static final int RESERVE = Pack.CHUNK_HEADER + Sealing.OVERHEAD + Packer.UNIQUE;

    private final Layout layout;
    private final Lease lease;
    private final Packer.Pool packers;
    private final @Nullable Sealing seal;
    private final Set<String> condemned;
    private final Map<String, List<PackEntry>> sealed = new LinkedHashMap<>();
    private List<PackEntry> entries = new ArrayList<>();
    private @Nullable FileChannel channel;
    private Path file;
    private int offset;
    private long written;
    private int count;
    private final ExecutorService threads = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("packs of a backup").factory());
    private @Nullable Future<?> sealing;

    /** Why the open pack is not what its entries say. */
    private @Nullable IOException broken;

    /**
     * For one backup or collector.
     *
     * @param seal null in a repository that is not encrypted
     * @param condemned the packs that are, or will be before this is closed; read after the lease was taken
     */
    PackWriter(Layout layout, Lease lease, Packer.Pool packers, @Nullable Sealing seal, Set<String> condemned) {
        this.layout = layout;
        this.lease = lease;
        this.packers = packers;
        this.seal = seal;
        this.condemned = Set.copyOf(condemned);
        this.file = lease.file("pack-0");
    }

    /** Appends a stored chunk, with its header. */
    synchronized void append(ChunkId id, ChunkKind kind, int plain, ByteBuffer stored) throws IOException {
        refuseBroken();
        try {
            add(id, kind, plain, stored);
        } catch (IOException e) {
            broken = e;
            throw e;
        }
    }

    /** A part of a chunk may have been written, and what comes behind it would not be found. */
    private void refuseBroken() throws IOException {
        if (broken != null) {
            throw new IOException("a pack could not be written: " + broken.getMessage(), broken);
        }
    }

    private void add(ChunkId id, ChunkKind kind, int plain, ByteBuffer stored) throws IOException {
        if (channel != null && (long) offset + stored.remaining() > SIZE - RESERVE) {
            end();
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

    /** Seals what is open, and waits: every chunk that was appended is durable and can be found. */
    synchronized void seal() throws IOException {
        refuseBroken();
        end();
        awaitSealed();
    }

    /** Has what is open sealed by a thread of its own, so that others can go on; waits for the pack before. */
    private void end() throws IOException {
        FileChannel open = channel;
        if (open == null) {
            return;
        }
        awaitSealed();
        List<PackEntry> content = entries;
        Path from = file;
        channel = null;
        entries = new ArrayList<>();
        sealing = threads.submit(() -> {
            seal(open, from, content);
            return null;
        });
    }

    private void awaitSealed() throws IOException {
        Future<?> before = sealing;
        if (before == null) {
            return;
        }
        try {
            before.get();
            sealing = null;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IOException("a pack cannot be sealed: " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("the backup was interrupted");
        }
    }

    private void seal(FileChannel open, Path from, List<PackEntry> content) throws IOException {
        try (open) {
            if (condemned.contains(Pack.name(content))) {
                Packer.Unique unique = packers.unique(seal);
                int size = unique.stored().remaining() - Pack.CHUNK_HEADER;
                content.add(new PackEntry(
                        unique.id(), ChunkKind.DATA, Math.toIntExact(open.position()), size, Packer.UNIQUE));
                Pack.writeFully(open, unique.stored());
            }
            Pack.writeFully(open, Pack.footer(content));
            open.force(true);
        }
        String name = Pack.name(content);
        Path place = layout.pack(name);
        lease.requireHeld();
        Layout.makeDirectory(Layout.parent(place));
        // What a pack of the same name had may be of other bytes, which were sealed by another backup.
        Files.deleteIfExists(layout.parity(name));
        Layout.move(from, place);
        if (layout.parityPercent() > 0) {
            // After the pack: a crash between the two leaves one without parity, which a repair adds.
            Repairer.writeParity(layout, lease, name);
        }
        // One of the same name may have been there, and damaged.
        DamagedChunks.note(layout, name, List.of());
        synchronized (sealed) {
            sealed.put(name, content);
        }
    }

    /** The packs that were sealed, with what is in them. */
    Map<String, List<PackEntry>> sealed() {
        synchronized (sealed) {
            return Map.copyOf(sealed);
        }
    }

    /** Leaves what is not sealed to the end of the lease. */
    @Override
    public synchronized void close() throws IOException {
        // Nothing is written any more when the lease ends.
        threads.close();
        if (channel != null) {
            channel.close();
            channel = null;
        }
    }
}
