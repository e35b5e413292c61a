package dev.tenon.bridge.transport;

import dev.tenon.core.linux.Epoll;
import dev.tenon.core.linux.SocketBuffer;
import dev.tenon.core.linux.UnixSocket;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that take what comes over the sockets of a process. All wait for all sockets; the kernel wakes one of them.
 * It reads, and then does itself what was asked for, however long that takes: others hear what comes meanwhile. There is
 * always one that waits, so nothing is handed from thread to thread, and a short call changes none.
 */
final class Workers {
    private static final Logger LOG = LoggerFactory.getLogger(Workers.class);
    private static final int BUFFER_BYTES = 1 << 16;
    private static final long BELL = 0;

    /** This many threads stay when there is nothing to do; the others leave after a while. */
    private static final int KEPT = 2;

    private static final int SURPLUS_MILLIS = 10_000;
    private static final Duration RETRY = Duration.ofMillis(100);

    private final Epoll epoll;
    private final Map<Long, Source> sources = new ConcurrentHashMap<>();
    private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicLong tokens = new AtomicLong(BELL);
    private final AtomicLong names = new AtomicLong();
    private final AtomicInteger alive = new AtomicInteger();
    /** Those that wait for the sockets, or are about to. */
    private final AtomicInteger free = new AtomicInteger();

    private volatile boolean isClosed;

    /** Something that is waited for. */
    @FunctionalInterface
    interface Source {
        /**
         * Takes what came, and does not wait for anything.
         *
         * @param events of {@link Epoll}
         * @param buffer for what is received
         * @return what to do then, on this thread; null if nothing
         */
        @Nullable
        Runnable ready(int events, SocketBuffer buffer);
    }

    Workers() throws IOException {
        epoll = Epoll.create(BELL);
        begin();
    }

    /** A number for {@link #add}. */
    long token() {
        return tokens.incrementAndGet();
    }

    /** Begins to wait for something to read from a socket. */
    void add(UnixSocket socket, long token, Source source) throws IOException {
        sources.put(token, source);
        try {
            epoll.add(socket, token, Epoll.READABLE);
        } catch (IOException e) {
            sources.remove(token);
            throw e;
        }
    }

    /** Waits for room to write, too, or no longer. */
    void awaitRoom(UnixSocket socket, long token, boolean isWanted) throws IOException {
        epoll.change(socket, token, isWanted ? Epoll.READABLE | Epoll.WRITABLE : Epoll.READABLE);
    }

    /** Waits for it no longer; before the socket is closed. */
    void remove(UnixSocket socket, long token) {
        sources.remove(token);
        try {
            epoll.remove(socket);
        } catch (IOException e) {
            LOG.debug("event=not-waited-for reason=\"{}\"", e.getMessage());
        } catch (IllegalStateException e) {
            // What waited is gone when the threads are.
            if (!isClosed) {
                throw e;
            }
        }
    }

    /** Does something on one of the threads. */
    void execute(Runnable task) {
        waiting.add(task);
        ring();
    }

    private void ring() {
        try {
            epoll.ring();
        } catch (IOException e) {
            // Cannot be while the descriptor is open.
            LOG.error("event=defect where=bell", e);
        } catch (IllegalStateException e) {
            // The last thread closes it as it leaves, maybe before whoever closes has rung.
            if (!isClosed) {
                throw e;
            }
        }
    }

    private void begin() {
        alive.incrementAndGet();
        free.incrementAndGet();
        try {
            Thread.ofPlatform()
                    .daemon()
                    .name("tenon-" + names.incrementAndGet())
                    .start(this::work);
        } catch (OutOfMemoryError e) {
            alive.decrementAndGet();
            free.decrementAndGet();
            // Whoever comes back from a call waits for the sockets again.
            LOG.error("event=no-thread threads={} reason=\"{}\"", alive, e.getMessage());
        }
    }

    private void work() {
        Epoll.Waiter waiter = epoll.waiter();
        SocketBuffer buffer = new SocketBuffer(BUFFER_BYTES);
        while (true) {
            try {
                if (!turn(waiter, buffer)) {
                    return;
                }
            } catch (IOException | RuntimeException | Error e) {
                // This must not end the thread: there may be no other that waits.
                LOG.error("event=defect where=worker", e);
                LockSupport.parkNanos(RETRY.toNanos());
            }
        }
    }

    /** Waits and does what came; false if the thread has left. */
    private boolean turn(Epoll.Waiter waiter, SocketBuffer buffer) throws IOException {
        int events = waiter.await(free.get() > KEPT ? SURPLUS_MILLIS : -1);
        if (events == 0 && !isClosed) {
            return !isSurplus();
        }
        if (events != 0 && waiter.token() != BELL) {
            Source source = sources.get(waiter.token());
            Runnable work = source == null ? null : source.ready(events, buffer);
            if (work != null) {
                run(work);
            }
        }
        for (Runnable task = waiting.poll(); task != null; task = waiting.poll()) {
            if (!waiting.isEmpty()) {
                ring();
            }
            run(task);
        }
        if (isClosed) {
            leave();
        }
        return !isClosed;
    }

    private void run(Runnable work) {
        if (free.decrementAndGet() == 0) {
            begin();
        }
        try {
            work.run();
        } finally {
            free.incrementAndGet();
            // What was meant for this work must not meet the next.
            Thread.interrupted();
        }
    }

    private boolean isSurplus() {
        int now = free.get();
        if (now <= KEPT || !free.compareAndSet(now, now - 1)) {
            return false;
        }
        alive.decrementAndGet();
        return true;
    }

    private void leave() {
        free.decrementAndGet();
        if (alive.decrementAndGet() == 0) {
            epoll.close();
        } else {
            ring();
        }
    }

    /** Ends the threads that have nothing to do at once, and the others after what they do. */
    void close(Duration patience) {
        isClosed = true;
        ring();
        long deadline = System.nanoTime() + patience.toNanos();
        while (alive.get() > 0 && free.get() > 0 && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }
}
