package dev.tenon.bridge.serve;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.Readiness;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.atomic.AtomicBoolean;
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

    /** Runs the action once, on a thread of its own, when the process has ended; at once if there is none. */
    Watch watch(long pid, Runnable ended) {
        Descriptor process;
        try {
            process = Descriptor.ofProcess(pid);
        } catch (IOException e) {
            run(pid, ended);
            return OVER;
        }
        AtomicBoolean isOver = new AtomicBoolean();
        try {
            Readiness.Watch watch = readiness().watch(process, () -> {
                if (isOver.compareAndSet(false, true)) {
                    run(pid, ended);
                }
            });
            return () -> {
                isOver.set(true);
                watch.close();
                process.close();
            };
        } catch (IOException e) {
            process.close();
            throw new UncheckedIOException(e);
        }
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
