package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * One thread that waits for many descriptors at once, and says when one of them can be read or has come to its end. For
 * pipes, whose readers would otherwise each hold a thread in the kernel, and for processes ({@link Descriptor#ofProcess}).
 */
public final class Readiness implements AutoCloseable {
    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLLIN = 1;
    private static final int MOST_EVENTS = 32;

    /** {@code struct epoll_event} is packed on x86-64 only. */
    private static final boolean IS_PACKED = "amd64".equals(System.getProperty("os.arch"));

    private static final int EVENT_BYTES = IS_PACKED ? 12 : 16;
    private static final int EVENT_DATA_OFFSET = IS_PACKED ? 4 : 8;

    private static final MethodHandle EPOLL_CREATE = CLibrary.functionWithErrno(
            "epoll_create1", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle EPOLL_CTL = CLibrary.functionWithErrno(
            "epoll_ctl",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS));
    private static final MethodHandle EPOLL_WAIT = CLibrary.functionWithErrno(
            "epoll_wait",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT));

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

        /** What the thread is about to say it may still say. */
        @Override
        public void close() {
            if (watched.remove(number) != null && epoll.isOpen()) {
                control(EPOLL_CTL_DEL, descriptor, number);
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
     * @param failed hears what a listener throws; the thread goes on
     */
    public static Readiness start(String name, Consumer<Throwable> failed) throws IOException {
        long number = CLibrary.call("epoll_create1", state -> (int) EPOLL_CREATE.invokeExact(state, EPOLL_CLOEXEC));
        Descriptor epoll = Descriptor.of((int) CLibrary.checked(number, "epoll"), "epoll");
        try {
            Readiness readiness = new Readiness(name, failed, epoll, Descriptor.pipe());
            CLibrary.checked(readiness.control(EPOLL_CTL_ADD, readiness.ending.read(), 0), "epoll");
            readiness.thread.start();
            return readiness;
        } catch (IOException e) {
            epoll.close();
            throw e;
        }
    }

    private long control(int operation, Descriptor descriptor, long number) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(EVENT_BYTES, Long.BYTES);
            event.set(ValueLayout.JAVA_INT, 0, EPOLLIN);
            event.set(ValueLayout.JAVA_LONG_UNALIGNED, EVENT_DATA_OFFSET, number);
            return CLibrary.call("epoll_ctl", state ->
                    (int) EPOLL_CTL.invokeExact(state, epoll.number(), operation, descriptor.number(), event));
        }
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
        long result = control(EPOLL_CTL_ADD, descriptor, number);
        if (result < 0) {
            watched.remove(number);
            CLibrary.checked(result, descriptor.name());
        }
        return new Watch(number, descriptor);
    }

    private void run() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = CLibrary.callState(arena);
            MemorySegment events = arena.allocate((long) EVENT_BYTES * MOST_EVENTS, Long.BYTES);
            while (!isOver) {
                long count = CLibrary.call(state, "epoll_wait", captured ->
                        (int) EPOLL_WAIT.invokeExact(captured, epoll.number(), events, MOST_EVENTS, -1));
                for (long i = 0; i < count && !isOver; i++) {
                    tell(events.get(ValueLayout.JAVA_LONG_UNALIGNED, i * EVENT_BYTES + EVENT_DATA_OFFSET));
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
        epoll.close();
        ending.read().close();
    }
}
