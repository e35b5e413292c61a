package dev.tenon.core.stream;

import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.spi.StorageException;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Writes a line about a transfer every three seconds, until it is closed. It has a thread of its own: the transfer does not
 * wait for a log that is slow.
 */
public final class ProgressLog implements CopyProgress, AutoCloseable {
    private static final Duration PAUSE = Duration.ofSeconds(3);

    private final Consumer<String> log;
    private final Thread thread;
    private volatile long done;
    private volatile long total;

    /**
     * Begins.
     *
     * @param log takes the lines; no further one once it has thrown a {@link StorageException}
     */
    public ProgressLog(Consumer<String> log) {
        this.log = log;
        this.thread = Thread.ofPlatform().daemon().name("progress").start(this::tell);
    }

    private void tell() {
        ProgressLine line = new ProgressLine(System.nanoTime());
        try {
            while (true) {
                Thread.sleep(PAUSE);
                line.next(done, total, System.nanoTime()).ifPresent(log);
            }
        } catch (InterruptedException | StorageException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void copied(long bytes, long all) {
        done = bytes;
        total = all;
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
