package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * One thread that waits for many descriptors at once, and says when one of them can be read or has come to its end. For
 * pipes, whose readers would otherwise each hold a thread in the kernel, and for processes ({@link Descriptor#ofProcess}).
 */
public final class Readiness implements AutoCloseable {
    private static final int EPOLLIN = 1;
    private static final int MOST_EVENTS = 32;

    private final Descriptor epoll;
    private final Descriptor.Pipe ending;
    private final Map<Long, Runnable> watched = new ConcurrentHashMap<>();
    private final AtomicLong numbers = new AtomicLong();
    private final Consumer<Throwable> failed;
    private final Thread thread;
    private volatile boolean isOver;

    /** A descriptor that is watched until this is closed, which comes before the descriptor is. */
    public final class Watch implements AutoCloseable {
        private final long number;
        private final Descriptor descriptor;

        private Watch(long number, Descriptor descriptor) {
            this.number = number;
            this.descriptor = descriptor;
        }

        /** The thread may still report what it is about to report. */
        @Override
        public void close() {
            if (watched.remove(number) != null && epoll.isOpen()) {
                control(EpollCalls.REMOVE, descriptor, number);
            }
        }
    }

    private Readiness(String name, Consumer<Throwable> failed, Descriptor epoll, Descriptor.Pipe ending) {
        this.failed = failed;
        this.epoll = epoll;
        this.ending = ending;
        this.thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    }

    /**
     * Starts the thread.
     *
     * @param name of the thread
     * @param failed receives what a listener throws; the thread goes on
     */
    public static Readiness start(String name, Consumer<Throwable> failed) throws IOException {
        Descriptor epoll = EpollCalls.create("epoll");
        Descriptor.Pipe ending;
        try {
            ending = Descriptor.pipe();
        } catch (IOException e) {
            epoll.close();
            throw e;
        }
        Readiness readiness = new Readiness(name, failed, epoll, ending);
        try {
            CLibrary.checked(readiness.control(EpollCalls.ADD, ending.read(), 0), "epoll");
            readiness.thread.start();
            return readiness;
        } catch (IOException | Error e) {
            readiness.closeDescriptors();
            throw e;
        }
    }

    private long control(int operation, Descriptor descriptor, long number) {
        return EpollCalls.control(epoll, operation, descriptor.number(), EPOLLIN, number);
    }

    /**
     * Watches a descriptor.
     *
     * @param ready runs on the thread while the descriptor can be read or has ended, again and again until it was read or
     *     the watch is closed; it must not wait for anything
     */
    public Watch watch(Descriptor descriptor, Runnable ready) throws IOException {
        long number = numbers.incrementAndGet();
        watched.put(number, ready);
        long result = control(EpollCalls.ADD, descriptor, number);
        if (result < 0) {
            watched.remove(number);
            CLibrary.checked(result, descriptor.name());
        }
        return new Watch(number, descriptor);
    }

    private void run() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = CLibrary.callState(arena);
            MemorySegment events = EpollCalls.events(arena, MOST_EVENTS);
            while (!isOver) {
                long count = EpollCalls.await(epoll, state, events, MOST_EVENTS, -1);
                for (long i = 0; i < count && !isOver; i++) {
                    tell(EpollCalls.token(events, i));
                }
            }
        }
    }

    private void tell(long number) {
        Runnable ready = watched.get(number);
        if (ready == null) {
            return;
        }
        try {
            ready.run();
        } catch (RuntimeException | Error e) {
            failed.accept(e);
        }
    }

    /** Ends the thread, which must not be the one that calls this. What was watched stays open. */
    @Override
    public void close() {
        isOver = true;
        ending.write().close();
        boolean wasInterrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                wasInterrupted = true;
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
        watched.clear();
        closeDescriptors();
    }

    private void closeDescriptors() {
        epoll.close();
        ending.read().close();
        ending.write().close();
    }
}
