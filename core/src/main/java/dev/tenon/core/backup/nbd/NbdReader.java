package dev.tenon.core.backup.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Reads an export, or the part of it that a metadata context is for, with several requests under way over several
 * connections. What is not asked for is never read.
 */
public final class NbdReader {
    private final List<NbdClient> connections;
    private final int blockSize;
    private final int atOnce;
    private final ThreadFactory threads;

    /** Takes a block that has been read. Called by several threads at once, for blocks in any order. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Takes one block.
         *
         * @param offset of the block, in bytes
         * @param data its content, valid until this returns
         * @throws IOException ends the reading
         */
        void accept(long offset, ByteBuffer data) throws IOException;
    }

    /**
     * A reader over open connections, which stay the caller's.
     *
     * @param connections to one export; several only if it {@link ExportInfo#canMultiply() can}
     * @param blockSize how much is read at once, in bytes: a multiple of the smallest block and at most the largest payload
     * @param atOnce how many requests are under way over each connection, at least 1
     */
    public NbdReader(List<NbdClient> connections, int blockSize, int atOnce) {
        ExportInfo export = connections.getFirst().export();
        if (blockSize < 1 || blockSize > export.largestPayload() || blockSize % export.minimumBlock() != 0) {
            throw new IllegalArgumentException("blocks of " + blockSize + " bytes; they are multiples of "
                    + export.minimumBlock() + ", at most " + export.largestPayload());
        }
        this.connections = List.copyOf(connections);
        this.blockSize = blockSize;
        this.atOnce = atOnce;
        this.threads = Thread.ofPlatform().name("nbd-read-", 0).daemon().factory();
    }

    /** Reads all of the export. */
    public void readAll(Sink sink) throws IOException {
        long size = connections.getFirst().export().size();
        read(
                size == 0
                        ? List.<Extent>of().iterator()
                        : List.of(new Extent(0, size, 0)).iterator(),
                sink);
    }

    /**
     * Reads the extents that are chosen.
     *
     * @param map a connection with a context; one of those that read, or another one to the same export
     * @param chosen which of the context's extents to read, for instance those without {@link Extent#ZERO}
     */
    public void readChosen(NbdClient map, Predicate<Extent> chosen, Sink sink) throws IOException {
        read(new Walk(map, chosen), sink);
    }

    private void read(Iterator<Extent> extents, Sink sink) throws IOException {
        Work work = new Work(extents, sink);
        int workers = connections.size() * atOnce;
        CountDownLatch ended = new CountDownLatch(workers);
        for (int i = 0; i < workers; i++) {
            NbdClient client = connections.get(i % connections.size());
            threads.newThread(() -> {
                        try {
                            work.run(client);
                        } finally {
                            ended.countDown();
                        }
                    })
                    .start();
        }
        try {
            ended.await();
        } catch (InterruptedException e) {
            work.fail(new NbdException(NbdError.CONNECTION_LOST, "reading was interrupted"));
            // Their buffers are theirs until they end; a connection that is closed ends them.
            connections.forEach(NbdClient::close);
            Thread.currentThread().interrupt();
        }
        IOException failure = work.failure.get();
        if (failure != null) {
            throw failure;
        }
    }

    /** What several threads take blocks from. */
    private final class Work {
        private final Iterator<Extent> extents;
        private final Sink sink;
        private final AtomicReference<@Nullable IOException> failure = new AtomicReference<>();
        private @Nullable Extent current;

        Work(Iterator<Extent> extents, Sink sink) {
            this.extents = extents;
            this.sink = sink;
        }

        void fail(IOException why) {
            failure.compareAndSet(null, why);
        }

        /** Blocks begin at multiples of their size, so that a dirty block of a bitmap is one of them. */
        private synchronized @Nullable Extent next() throws IOException {
            if (failure.get() != null) {
                return null;
            }
            if (current == null) {
                try {
                    if (!extents.hasNext()) {
                        return null;
                    }
                    current = extents.next();
                } catch (WalkFailed e) {
                    throw e.why;
                }
            }
            Extent from = current;
            long length = Math.min(from.length(), blockSize - from.offset() % blockSize);
            current = length == from.length()
                    ? null
                    : new Extent(from.offset() + length, from.length() - length, from.flags());
            return new Extent(from.offset(), length, from.flags());
        }

        void run(NbdClient client) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(blockSize);
            try {
                for (Extent block = next(); block != null; block = next()) {
                    buffer.clear().limit((int) block.length());
                    client.read(block.offset(), buffer);
                    sink.accept(block.offset(), buffer.flip());
                }
            } catch (IOException e) {
                fail(e);
            } catch (RuntimeException | Error e) {
                fail(new IOException("reading at once failed: " + e, e));
            }
        }
    }

    private static final class WalkFailed extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final IOException why;

        WalkFailed(IOException why) {
            super(why);
            this.why = why;
        }
    }

    /** The chosen extents of a context, asked for as they are needed. */
    private static final class Walk implements Iterator<Extent> {
        private final NbdClient map;
        private final Predicate<Extent> chosen;
        private final Deque<Extent> told = new ArrayDeque<>();
        private long at;
        private @Nullable Extent next;

        Walk(NbdClient map, Predicate<Extent> chosen) {
            this.map = map;
            this.chosen = chosen;
        }

        private @Nullable Extent look() {
            long size = map.export().size();
            while (told.isEmpty() && at < size) {
                try {
                    told.addAll(map.extents(at, size - at));
                } catch (IOException e) {
                    throw new WalkFailed(e);
                }
                at = told.getLast().end();
                told.removeIf(chosen.negate());
            }
            return told.pollFirst();
        }

        @Override
        public boolean hasNext() {
            if (next == null) {
                next = look();
            }
            return next != null;
        }

        @Override
        public Extent next() {
            if (!hasNext() || next == null) {
                throw new NoSuchElementException();
            }
            Extent found = next;
            next = null;
            return found;
        }
    }
}
