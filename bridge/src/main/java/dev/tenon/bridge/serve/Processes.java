package dev.tenon.bridge.serve;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.Readiness;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Watches for the ends of processes that are not children of this one. */
final class Processes implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Processes.class);

    // guarded by this
    private @Nullable Readiness readiness;
    private boolean isClosed;

    /** A process that is watched until this is closed. */
    interface Watch extends AutoCloseable {
        @Override
        void close();
    }

    private static final Watch OVER = () -> {};

    private synchronized Readiness readiness() throws IOException {
        if (isClosed) {
            throw new IOException("nothing is watched any more");
        }
        if (readiness == null) {
            readiness = Readiness.start("tenon-processes", e -> LOG.error("event=defect what=processes", e));
        }
        return readiness;
    }

    /** Hears of an end once. What is ready stays so, so nothing may be watched any longer then. */
    private static final class One implements Watch {
        private final Descriptor process;

        // guarded by this
        private Readiness.@Nullable Watch watch;
        private boolean isOver;

        One(Descriptor process) {
            this.process = process;
        }

        synchronized void begin(Readiness readiness, Runnable ended) throws IOException {
            watch = readiness.watch(process, () -> {
                if (end()) {
                    ended.run();
                }
            });
        }

        /** Whether this is the first that ends it. */
        private synchronized boolean end() {
            if (isOver) {
                return false;
            }
            isOver = true;
            if (watch != null) {
                watch.close();
            }
            process.close();
            return true;
        }

        @Override
        public void close() {
            end();
        }
    }

    /**
     * Runs the action once, on a thread of its own, when the process has ended; at once if there is none.
     *
     * @throws StorageException if it cannot be watched, for instance for a lack of descriptors
     */
    Watch watch(long pid, Runnable ended) {
        Descriptor process;
        try {
            process = Descriptor.ofProcess(pid);
        } catch (NoSuchFileException e) {
            run(pid, ended);
            return OVER;
        } catch (IOException e) {
            throw notWatched(pid, e);
        }
        One one = new One(process);
        try {
            one.begin(readiness(), () -> run(pid, ended));
            return one;
        } catch (IOException e) {
            one.close();
            throw notWatched(pid, e);
        }
    }

    private static StorageException notWatched(long pid, IOException failure) {
        return Failures.of(failure, Outcome.NOT_STARTED, "process " + pid + ", which calls, cannot be watched");
    }

    private static void run(long pid, Runnable ended) {
        Thread.ofPlatform().daemon().name("ended-" + pid).start(ended);
    }

    @Override
    public synchronized void close() {
        isClosed = true;
        if (readiness != null) {
            readiness.close();
        }
    }
}
