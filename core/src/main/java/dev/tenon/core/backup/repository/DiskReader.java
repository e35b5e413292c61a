package dev.tenon.core.backup.repository;

import dev.tenon.core.linux.NativeMemory;
import dev.tenon.core.spi.ByteSize;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads a disk of a snapshot anywhere. Calls come from many threads; every byte is checked before it is given. The chunks that
 * it keeps go when it is closed, or with the reader of the repository.
 */
public final class DiskReader implements AutoCloseable {
    private static final int CACHED = 8;

    /** Some of them wait for a disk while others compute. */
    private static final int COPYING = Math.clamp(2L * Runtime.getRuntime().availableProcessors(), 4, 8);

    private static final long TOLD_MILLIS = 100;

    private final ByteSize size;
    private final DiskTable table;
    private final ChunkReader chunks;
    /** Chunks that are wanted next, when they are read one after the other. */
    private static final int AHEAD = 2;

    private static final ExecutorService THREADS = Executors.newFixedThreadPool(
            Math.clamp(Runtime.getRuntime().availableProcessors(), 2, 4),
            Thread.ofPlatform().daemon().name("read ahead ", 0).factory());

    /** Those that are being read, too: who wants one waits for it. */
    private final Map<ChunkId, Load> cache = new LinkedHashMap<>(CACHED, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<ChunkId, Load> eldest) {
            if (size() <= CACHED) {
                return false;
            }
            forget(eldest.getValue());
            return true;
        }
    };

    /** Memory of chunks that nobody reads any more: it is large, and Java would long leave it lying. */
    private final Deque<ByteBuffer> buffers = new ArrayDeque<>();

    private final NativeMemory memory = new NativeMemory();

    private long last = -1;

    /** Reads as long as the others are open. */
    DiskReader(ByteSize size, DiskTable table, ChunkReader chunks) {
        this.size = size;
        this.table = table;
        this.chunks = chunks;
    }

    public ByteSize size() {
        return size;
    }

    /** Whether these bytes are known to be zeroes without being read; they may be, too, if not. */
    public boolean isZero(long offset, long length) throws IOException {
        for (long chunk = offset / DiskTable.CHUNK; chunk * DiskTable.CHUNK < offset + length; chunk++) {
            if (!table.get(chunk).isZeroes()) {
                return false;
            }
        }
        return true;
    }

    /**
     * Fills a buffer.
     *
     * @param offset bytes; with what remains in the buffer not behind the disk's end
     * @throws BadRepositoryException if a chunk is missing or damaged; nothing of it is in the buffer
     */
    public void read(long offset, ByteBuffer to) throws IOException {
        if (offset < 0 || offset + to.remaining() > size.bytes()) {
            throw new IllegalArgumentException(
                    "bytes " + offset + " to " + (offset + to.remaining()) + " of a disk of " + size);
        }
        long at = offset;
        while (to.hasRemaining()) {
            long number = at / DiskTable.CHUNK;
            int begin = (int) (at % DiskTable.CHUNK);
            int length = Math.min(to.remaining(), table.length(number) - begin);
            ChunkId id = table.get(number);
            if (id.isZeroes()) {
                for (int i = 0; i < length; i++) {
                    to.put((byte) 0);
                }
            } else {
                readAhead(number);
                Load load = loaded(id);
                try {
                    if (load.length != table.length(number)) {
                        throw wrongSize(id);
                    }
                    to.put(load.chunk().slice(begin, length));
                } finally {
                    release(load);
                }
            }
            at += length;
        }
    }

    /** Takes the chunks of a disk. */
    public interface Target {
        /**
         * Takes bytes; calls come from several threads, and in no order.
         *
         * @param chunk direct; valid until this returns
         */
        void write(long offset, ByteBuffer chunk) throws IOException;
    }

    /**
     * Gives all bytes that are not known to be zeroes, each once. The chunks are read and checked by several threads.
     *
     * @param copied is told by the calling thread how many bytes of the disk are done; what it throws ends the copy
     * @throws BadRepositoryException if a chunk is missing or damaged; others have been given
     */
    public void copy(Target target, LongConsumer copied) throws IOException {
        AtomicLong next = new AtomicLong();
        AtomicLong done = new AtomicLong();
        List<Future<?>> workers = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(
                COPYING, Thread.ofPlatform().daemon().name("restore ", 0).factory())) {
            try {
                CompletionService<Void> ended = new ExecutorCompletionService<>(threads);
                for (int i = 0; i < COPYING; i++) {
                    workers.add(ended.submit(() -> {
                        for (long number = next.getAndIncrement();
                                number < table.count();
                                number = next.getAndIncrement()) {
                            copy(number, target);
                            done.addAndGet(table.length(number));
                        }
                        return null;
                    }));
                }
                for (int running = COPYING; running > 0; ) {
                    Future<Void> end = ended.poll(TOLD_MILLIS, TimeUnit.MILLISECONDS);
                    if (end != null) {
                        end.get();
                        running--;
                    }
                    copied.accept(done.get());
                }
            } finally {
                next.set(Long.MAX_VALUE / 2);
                workers.forEach(worker -> worker.cancel(true));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("reading was interrupted");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException failure -> throw failure;
                case RuntimeException failure -> throw failure;
                case null, default -> throw new IOException("the disk cannot be read: " + e.getCause(), e);
            }
        }
    }

    private void copy(long number, Target target) throws IOException {
        ChunkId id = table.get(number);
        if (!id.isZeroes()) {
            chunks.use(id, chunk -> {
                if (chunk.remaining() != table.length(number)) {
                    throw wrongSize(id);
                }
                target.write(number * DiskTable.CHUNK, chunk);
            });
        }
    }

    private static BadRepositoryException wrongSize(ChunkId id) {
        return Packer.damaged("chunk " + id + ", which has the wrong size for its disk,");
    }

    /** Has the chunks behind one read, if the one before it was read last. */
    private void readAhead(long number) throws IOException {
        synchronized (cache) {
            boolean isNext = number == last + 1;
            last = number;
            if (!isNext) {
                return;
            }
        }
        for (long next = number + 1; next <= Math.min(number + AHEAD, table.count() - 1); next++) {
            ChunkId id = table.get(next);
            Load ahead = new Load(id);
            synchronized (cache) {
                if (id.isZeroes() || cache.putIfAbsent(id, ahead) != null) {
                    continue;
                }
            }
            THREADS.execute(ahead);
        }
    }

    /** A chunk that was read; to be released. */
    private Load loaded(ChunkId id) throws IOException {
        while (true) {
            Load load;
            synchronized (cache) {
                load = cache.computeIfAbsent(id, Load::new);
                load.users++;
            }
            boolean isGood = false;
            try {
                // Not by waiting for a thread, which may hang in another repository.
                load.run();
                load.end.get();
                isGood = true;
                return load;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("reading was interrupted");
            } catch (ExecutionException e) {
                switch (e.getCause()) {
                    case BadRepositoryException damaged -> throw damaged;
                    case ClosedByInterruptException other
                    when !Thread.currentThread().isInterrupted() -> {
                        // Somebody else was interrupted, and not this one.
                    }
                    case Throwable other -> throw new IOException("chunk " + id + " cannot be read: " + other, other);
                    case null -> throw new IOException("chunk " + id + " cannot be read", e);
                }
            } finally {
                if (!isGood) {
                    release(load);
                }
            }
        }
    }

    private void release(Load load) {
        synchronized (cache) {
            load.users--;
            reuse(load);
        }
    }

    /** It is in the cache no more. */
    private void forget(Load load) {
        load.isForgotten = true;
        reuse(load);
    }

    private void reuse(Load load) {
        ByteBuffer chunk = load.chunk;
        if (load.isForgotten && load.users == 0 && chunk != null) {
            load.chunk = null;
            buffers.push(chunk);
        }
    }

    /** Nobody may be reading it. Closing again does nothing. */
    @Override
    public void close() {
        memory.close();
    }

    /** A chunk that is to be read once, by whoever comes first. Its bytes are written before its end. */
    private final class Load implements Runnable {
        private final ChunkId id;
        private final AtomicBoolean isBegun = new AtomicBoolean();
        private final CompletableFuture<Boolean> end = new CompletableFuture<>();
        private @Nullable ByteBuffer chunk;
        private int length;
        private int users;
        private boolean isForgotten;

        Load(ChunkId id) {
            this.id = id;
        }

        ByteBuffer chunk() {
            return Objects.requireNonNull(chunk, "a chunk that is read");
        }

        @Override
        public void run() {
            if (!isBegun.compareAndSet(false, true)) {
                return;
            }
            synchronized (cache) {
                users++;
                chunk = buffers.poll();
            }
            try {
                chunks.use(id, this::take);
                end.complete(true);
            } catch (IOException | RuntimeException | Error e) {
                synchronized (cache) {
                    if (cache.remove(id, this)) {
                        forget(this);
                    }
                }
                end.completeExceptionally(e);
            } finally {
                release(this);
            }
        }

        private void take(ByteBuffer bytes) {
            length = bytes.remaining();
            ByteBuffer to = chunk;
            if (to == null) {
                to = memory.allocate(DiskTable.CHUNK);
                chunk = to;
            }
            to.clear().put(bytes);
        }
    }
}
