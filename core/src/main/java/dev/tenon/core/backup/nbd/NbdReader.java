package dev.tenon.core.backup.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Reads an export, or the part of it that a metadata context is for, with several requests under way over several
 * connections. What is not asked for is never read.
 */
public final class NbdReader {
    /** Enough to have the next answers while data are read; each may tell of a hundred thousand extents. */
    private static final int MOST_QUESTIONS = 4;

    private static final long LONGEST_WINDOW = 64L << 30;

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
        Work work = new Work(sink, null, extent -> true);
        if (size > 0) {
            work.learn(List.of(new Extent(0, size, 0)));
        }
        read(work);
    }

    /**
     * Reads the extents that are chosen.
     *
     * @param map a connection with a context; one of those that read, or another one to the same export
     * @param chosen which of the context's extents to read, for instance those without {@link Extent#ZERO}; several threads
     *     ask it
     */
    public void readChosen(NbdClient map, Predicate<Extent> chosen, Sink sink) throws IOException {
        read(new Work(sink, map, chosen));
    }

    private void read(Work work) throws IOException {
        int workers = workers();
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
        IOException failure = work.failure();
        if (failure != null) {
            throw failure;
        }
    }

    private int workers() {
        return connections.size() * atOnce;
    }

    /** What a thread does next: it reads a block, or asks what there is in a part. */
    private record Step(Extent part, boolean isQuestion) {}

    /**
     * What several threads take blocks from. They ask for the map some way ahead of what is read, and several questions are
     * under way at once, so that nobody waits for the answer of a server that is busy sending data.
     */
    private final class Work {
        private final Sink sink;
        private final @Nullable NbdClient map;
        private final Predicate<Extent> chosen;
        private final long size = connections.getFirst().export().size();
        /** How much is asked for at once; whole blocks, so that none is cut in two. */
        private final long window;

        // all guarded by this
        private final PriorityQueue<Extent> known = new PriorityQueue<>(Comparator.comparingLong(Extent::offset));
        private final Deque<Extent> unanswered = new ArrayDeque<>();
        private long knownBytes;
        private long asked;
        private int questions;
        private @Nullable IOException failure;

        Work(Sink sink, @Nullable NbdClient map, Predicate<Extent> chosen) {
            this.sink = sink;
            this.map = map;
            this.chosen = chosen;
            this.window = map == null ? 0 : Math.min(map.longestQuestion(), LONGEST_WINDOW) / blockSize * blockSize;
        }

        synchronized void fail(IOException why) {
            if (failure == null) {
                failure = why;
            }
            notifyAll();
        }

        synchronized @Nullable IOException failure() {
            return failure;
        }

        synchronized void learn(List<Extent> extents) {
            for (Extent extent : extents) {
                known.add(extent);
                knownBytes += extent.length();
            }
            notifyAll();
        }

        /** Null when all has been given out. */
        private synchronized @Nullable Step next() throws InterruptedException {
            while (failure == null) {
                boolean isMoreUnknown = map != null && (!unanswered.isEmpty() || asked < size);
                boolean isEnoughKnown = knownBytes >= 2L * workers() * blockSize;
                if (isMoreUnknown && !isEnoughKnown && questions < MOST_QUESTIONS) {
                    questions++;
                    return new Step(question(), true);
                }
                if (!known.isEmpty()) {
                    return new Step(block(), false);
                }
                if (questions == 0) {
                    return null;
                }
                wait();
            }
            return null;
        }

        private Extent question() {
            Extent rest = unanswered.poll();
            if (rest == null) {
                rest = new Extent(asked, Math.min(window, size - asked), 0);
                asked = rest.end();
            }
            return rest;
        }

        /** Blocks begin at multiples of their size, so that a dirty block of a bitmap is one of them. */
        private Extent block() {
            Extent from = known.remove();
            long length = Math.min(from.length(), blockSize - from.offset() % blockSize);
            if (length < from.length()) {
                known.add(new Extent(from.offset() + length, from.length() - length, from.flags()));
            }
            knownBytes -= length;
            return new Extent(from.offset(), length, from.flags());
        }

        private void ask(NbdClient of, Extent part) throws IOException {
            List<Extent> told = of.extents(part.offset(), part.length());
            List<Extent> found = told.stream().filter(chosen).toList();
            long end = told.getLast().end();
            synchronized (this) {
                questions--;
                if (end < part.end()) {
                    unanswered.addFirst(new Extent(end, part.end() - end, 0));
                }
                learn(found);
            }
        }

        void run(NbdClient client) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(blockSize);
            try {
                for (Step step = next(); step != null; step = next()) {
                    Extent part = step.part();
                    if (step.isQuestion()) {
                        ask(Objects.requireNonNull(map), part);
                    } else {
                        buffer.clear().limit((int) part.length());
                        if (map != null && map.tellsHoles() && part.flags() == 0) {
                            client.readData(part.offset(), buffer);
                        } else {
                            client.read(part.offset(), buffer);
                        }
                        sink.accept(part.offset(), buffer.flip());
                    }
                }
            } catch (IOException e) {
                fail(e);
            } catch (InterruptedException | RuntimeException | Error e) {
                fail(new IOException("reading at once failed: " + e, e));
            }
        }
    }
}
