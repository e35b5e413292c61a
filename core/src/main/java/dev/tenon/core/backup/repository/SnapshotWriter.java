package dev.tenon.core.backup.repository;

import dev.tenon.core.linux.DirectorySync;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.linux.NativeMemory;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A backup that is being made. Chunks are hashed, compressed and written by threads of its own, while its user goes on
 * reading; if they fall behind, the user waits. Nothing of it is visible until it is published; one that is closed before
 * that leaves nothing.
 */
public final class SnapshotWriter implements AutoCloseable {
    private static final byte[] ZEROES = new byte[DiskTable.CHUNK];
    private static final ByteBuffer DIRECT_ZEROES = ByteBuffer.allocateDirect(DiskTable.CHUNK);
    private static final int THREADS = Math.clamp(Runtime.getRuntime().availableProcessors(), 2, 8);

    /** Some of them wait for their bytes while others compute. */
    private static final int AHEAD = 2 * THREADS;

    private final SnapshotId id;
    private final Layout layout;
    private final Lease lease;
    private final ChunkIndex index;
    private final ChunkReader reader;
    private final Packer.Pool packers;
    private final @Nullable Sealing sealing;
    private final PackWriter packs;
    private final ChunkSet own = new ChunkSet();
    private final ExecutorService threads;
    private final Semaphore ahead = new Semaphore(AHEAD);
    private int underWay;
    private final Deque<byte[]> buffers = new ArrayDeque<>();
    private final Deque<ByteBuffer> directBuffers = new ArrayDeque<>();

    /** Of the direct buffers: Java sees no need to give back what is not its own. */
    private final NativeMemory memory = new NativeMemory();

    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final Map<DeviceName, DiskWriter> disks = new LinkedHashMap<>();
    private @Nullable TreeWriter tree;

    /** While there is one, nothing is removed that was there when it was taken. */
    private @Nullable Lease bases;

    SnapshotWriter(
            SnapshotId id,
            Layout layout,
            Lease lease,
            ChunkIndex index,
            ChunkReader reader,
            Packer.Pool packers,
            Set<String> condemned) {
        this.id = id;
        this.layout = layout;
        this.lease = lease;
        this.index = index;
        this.reader = reader;
        this.packers = packers;
        this.sealing = packers.sealing();
        this.packs = new PackWriter(layout, lease, packers, sealing, condemned);
        this.threads = Executors.newFixedThreadPool(
                AHEAD, Thread.ofPlatform().daemon().name("backup of " + id, 0).factory());
    }

    public SnapshotId id() {
        return id;
    }

    /**
     * A disk whose every byte is written; what is not written is zeroes.
     *
     * @throws IllegalStateException if the device was given before
     */
    public DiskWriter disk(DeviceName device, ByteSize size) throws IOException {
        return disk(device, size, DiskTable.empty(size, reader));
    }

    /**
     * A disk of which only what has changed since another snapshot is written.
     *
     * @return empty if that snapshot is not there any more, or has no such disk
     */
    public Optional<DiskWriter> disk(DeviceName device, SnapshotId base) throws IOException {
        if (bases == null) {
            // What the disk has in common with its base may be in packs that nobody else needs.
            bases = Lease.take(layout, Lease.Kind.READ);
        }
        Snapshot found = Repository.record(layout, base, packers.key());
        Snapshot.Disk disk = found == null ? null : found.disks().get(device);
        return disk == null ? Optional.empty() : Optional.of(disk(device, disk.size(), DiskTable.of(disk, reader)));
    }

    private DiskWriter disk(DeviceName device, ByteSize size, DiskTable table) {
        DiskWriter disk = new DiskWriter(this, size, table);
        if (disks.putIfAbsent(device, disk) != null) {
            throw new IllegalStateException("device '" + device + "' is given twice");
        }
        return disk;
    }

    /**
     * The files of a container.
     *
     * @throws IllegalStateException if it is asked for twice
     */
    public TreeWriter tree() {
        if (tree != null) {
            throw new IllegalStateException("the tree is given twice");
        }
        TreeWriter writer = new TreeWriter(this);
        tree = writer;
        return writer;
    }

    ChunkReader reader() {
        return reader;
    }

    /** A buffer for a chunk, which is given back by {@link #store}. Each disk may have one that is not full yet. */
    byte[] buffer() {
        synchronized (buffers) {
            byte[] buffer = buffers.poll();
            return buffer == null ? new byte[DiskTable.CHUNK] : buffer;
        }
    }

    private ByteBuffer directBuffer() throws IOException {
        awaitRoom();
        try {
            synchronized (buffers) {
                ByteBuffer direct = directBuffers.poll();
                return direct == null ? memory.allocate(DiskTable.CHUNK) : direct.clear();
            }
        } catch (Error e) {
            // There may be no room for one, and who closes this waits for all.
            ahead.release();
            throw e;
        }
    }

    private void give(ByteBuffer direct) {
        synchronized (buffers) {
            directBuffers.push(direct);
        }
        ahead.release();
    }

    /**
     * Stores a chunk of a disk, which a thread of its own also has filled in: while some wait for their bytes, others
     * compute.
     *
     * @param length of the chunk
     */
    void store(DiskWriter.Filling filling, int length, Stored stored) throws IOException {
        ByteBuffer chunk = directBuffer().limit(length);
        execute(
                () -> {
                    try {
                        filling.fill(chunk);
                    } catch (IOException e) {
                        throw new UnfilledException(e);
                    }
                    if (chunk.hasRemaining()) {
                        throw new IOException("a chunk was not filled");
                    }
                    stored.as(stored(chunk.flip()));
                },
                () -> give(chunk));
    }

    /** What failed is not this repository. */
    private static final class UnfilledException extends IOException {
        private static final long serialVersionUID = 1L;

        private final IOException reason;

        UnfilledException(IOException reason) {
            super(reason);
            this.reason = reason;
        }
    }

    private ChunkId stored(ByteBuffer chunk) throws IOException {
        int length = chunk.remaining();
        if (chunk.mismatch(DIRECT_ZEROES.slice(0, length)) < 0) {
            return ChunkId.ZEROES;
        }
        ChunkId chunkId = packers.id(chunk);
        if (index.contains(chunkId) || !own.add(chunkId)) {
            return chunkId;
        }
        Packer packer = packers.take();
        try {
            packs.append(chunkId, ChunkKind.DATA, length, packer.pack(chunkId, ChunkKind.DATA, chunk, sealing));
        } finally {
            packers.give(packer);
        }
        return chunkId;
    }

    /** Takes a buffer back that is not stored. */
    void give(byte[] buffer) {
        synchronized (buffers) {
            buffers.push(buffer);
        }
    }

    /** Gets the id of a chunk that is stored. */
    interface Stored {
        void as(ChunkId id) throws IOException;
    }

    /**
     * A chunk in a buffer.
     *
     * @param stored is called by a thread of its own
     */
    record Part(int offset, int length, Stored stored) {}

    /** Stores a chunk by a thread of its own. */
    void store(byte[] buffer, int length, Stored stored) throws IOException {
        store(buffer, List.of(new Part(0, length, stored)));
    }

    /** Stores chunks by a thread of its own. Waits while too many chunks are under way. */
    void store(byte[] buffer, List<Part> parts) throws IOException {
        try {
            awaitRoom();
        } catch (IOException e) {
            give(buffer);
            throw e;
        }
        execute(
                () -> {
                    for (Part part : parts) {
                        if (failure.get() == null) {
                            part.stored.as(stored(ChunkKind.DATA, buffer, part.offset, part.length));
                        }
                    }
                },
                () -> {
                    give(buffer);
                    ahead.release();
                });
    }

    /** Work of a thread of this writer. */
    private interface Task {
        void run() throws IOException;
    }

    private void execute(Task task, Runnable atEnd) throws IOException {
        try {
            refuseAfterFailure();
        } catch (IOException e) {
            atEnd.run();
            throw e;
        }
        synchronized (threads) {
            underWay++;
        }
        try {
            threads.execute(() -> {
                try {
                    if (failure.get() == null) {
                        task.run();
                    }
                } catch (IOException | RuntimeException | Error e) {
                    failure.compareAndSet(null, e);
                } finally {
                    atEnd.run();
                    ended();
                }
            });
        } catch (RuntimeException | Error e) {
            atEnd.run();
            ended();
            throw e;
        }
    }

    private void awaitRoom() throws IOException {
        try {
            ahead.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("the backup was interrupted");
        }
    }

    private void ended() {
        synchronized (threads) {
            underWay--;
            threads.notifyAll();
        }
    }

    private void refuseAfterFailure() throws IOException {
        Throwable first = failure.get();
        if (first instanceof UnfilledException unfilled) {
            throw unfilled.reason;
        }
        if (first != null) {
            throw lease.isLost()
                    ? takenForDead(first)
                    : new IOException("the backup cannot be written: " + first, first);
        }
    }

    /** Stores a chunk at once. */
    ChunkId storeNow(ChunkKind kind, byte[] chunk) throws IOException {
        refuseAfterFailure();
        try {
            return stored(kind, chunk, 0, chunk.length);
        } catch (NoSuchFileException e) {
            // Who reads a tree takes that for a file that has vanished.
            throw takenForDead(e);
        }
    }

    /** Whether a chunk of another snapshot is there, and will be when this one is published. */
    boolean has(ChunkId chunk) throws IOException {
        return chunk.isZeroes() || own.contains(chunk) || index.contains(chunk);
    }

    private ChunkId stored(ChunkKind kind, byte[] chunk, int offset, int length) throws IOException {
        if (Arrays.equals(chunk, offset, offset + length, ZEROES, 0, length)) {
            return ChunkId.ZEROES;
        }
        ChunkId chunkId = packers.id(chunk, offset, length);
        if (index.contains(chunkId) || !own.add(chunkId)) {
            return chunkId;
        }
        Packer packer = packers.take();
        try {
            packs.append(chunkId, kind, length, packer.pack(chunkId, kind, chunk, offset, length, sealing));
        } finally {
            packers.give(packer);
        }
        return chunkId;
    }

    /** Waits for all chunks that are under way; buffers that were taken and not handed over do not count. */
    void await() throws IOException {
        try {
            synchronized (threads) {
                while (underWay > 0) {
                    threads.wait();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("the backup was interrupted");
        }
        refuseAfterFailure();
    }

    /**
     * Makes the backup durable and lets it be seen. When this returns, the snapshot can be restored, whatever happens.
     *
     * @throws IOException if it could not; there is no snapshot then, unless the message says that it may be there
     */
    public Snapshot publish(RawConfig config, @Nullable RawConfig firewall) throws IOException {
        Map<DeviceName, Snapshot.Disk> written = new LinkedHashMap<>();
        for (DiskWriter disk : disks.values()) {
            disk.flush();
        }
        await();
        for (Map.Entry<DeviceName, DiskWriter> disk : disks.entrySet()) {
            List<String> leaves = new ArrayList<>();
            for (ChunkId leaf : disk.getValue().table().store(bytes -> storeNow(ChunkKind.TABLE, bytes))) {
                leaves.add(leaf.toString());
            }
            written.put(disk.getKey(), new Snapshot.Disk(disk.getValue().size(), leaves));
        }
        TreeWriter files = tree;
        return publish(written, files == null ? null : files.finish(), config, firewall);
    }

    /** Makes a copy of a snapshot of another repository, as {@link #publish(RawConfig, RawConfig)}. */
    Snapshot copy(Snapshot snapshot, ChunkReader from) throws IOException {
        new SnapshotCopy(from, this).copy(snapshot);
        await();
        return publish(
                snapshot.disks(),
                snapshot.tree(),
                Objects.requireNonNull(snapshot.config(), "the configuration"),
                snapshot.firewall());
    }

    private Snapshot publish(
            Map<DeviceName, Snapshot.Disk> written,
            Snapshot.@Nullable Tree writtenTree,
            RawConfig config,
            @Nullable RawConfig firewall)
            throws IOException {
        Path record = lease.file("record");
        Path place = layout.snapshots().resolve(id.path());
        try {
            seal();
            Indexes.publish(layout, lease, packs.sealed());
            Snapshot snapshot =
                    new Snapshot(id, written, writtenTree, config, firewall, ByteSize.ofBytes(packs.written()));
            lease.requireHeld();
            Layout.makeDirectory(Layout.parent(place));
            Layout.write(record, snapshot.write(packers.sealing()));
            FileMove.withoutReplacing(record, place);
            DirectorySync.of(Layout.parent(place));
            return snapshot;
        } catch (FileAlreadyExistsException e) {
            throw new IOException("there is a snapshot '" + id + "' already; begin a second later", e);
        } catch (NoSuchFileException e) {
            throw takenForDead(e);
        }
    }

    /** Makes what was stored up to now durable. */
    void seal() throws IOException {
        packs.seal();
    }

    private IOException takenForDead(Throwable cause) {
        if (!layout.isPresent()) {
            return new IOException(
                    "the repository in '" + layout.root()
                            + "' has gone, and the backup with it; was it unmounted or removed?",
                    cause);
        }
        return new IOException(
                "the backup was taken for dead, because it did not move for too long, and is not published; make it again",
                cause);
    }

    @Override
    public void close() throws IOException {
        failure.compareAndSet(null, new IOException("the backup was given up"));
        disks.values().forEach(DiskWriter::discard);
        if (tree != null) {
            tree.discard();
        }
        threads.shutdown();
        ahead.acquireUninterruptibly(AHEAD);
        memory.close();
        try (lease;
                @Nullable Lease _ = bases;
                packs;
                index;
                reader) {
            // all are closed
        }
    }
}
