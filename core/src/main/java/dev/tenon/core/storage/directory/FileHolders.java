package dev.tenon.core.storage.directory;

import dev.tenon.core.linux.OpenFiles;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;

/** Tells who has a file open. */
final class FileHolders {
    private static final Duration PASSING = Duration.ofSeconds(1);
    private static final Duration PAUSE = Duration.ofMillis(20);

    private FileHolders() {}

    /** Who has the file open, and not only while another program is being started or is ending. */
    static OptionalLong holderOf(Path file) {
        long limit = System.nanoTime() + PASSING.toNanos();
        OptionalLong holder = OpenFiles.holderOf(file);
        while (holder.isPresent()
                && System.nanoTime() < limit
                && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(PAUSE.toNanos());
            holder = OpenFiles.holderOf(file);
        }
        return holder;
    }
}
