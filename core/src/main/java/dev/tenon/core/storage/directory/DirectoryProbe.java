package dev.tenon.core.storage.directory;

import dev.tenon.core.linux.FileSystemStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at a directory without being caught by a network file system that no longer answers: such a system call cannot
 * be interrupted, so it is made in a thread of its own, one for each path.
 */
final class DirectoryProbe {
    private static final Logger LOG = LoggerFactory.getLogger(DirectoryProbe.class);
    private static final Duration LIMIT = Duration.ofSeconds(2);
    private static final Map<Path, CompletableFuture<Optional<StorageStatus>>> RUNNING = new ConcurrentHashMap<>();

    private DirectoryProbe() {}

    /** The space of the file system that holds this directory; empty if it is no directory or does not answer. */
    static Optional<StorageStatus> space(Path directory) {
        CompletableFuture<Optional<StorageStatus>> answer = RUNNING.computeIfAbsent(directory, DirectoryProbe::start);
        try {
            return answer.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            LOG.warn("directory '{}' did not answer within {} s", directory, LIMIT.toSeconds());
            return Optional.empty();
        } catch (ExecutionException e) {
            LOG.warn("directory '{}' cannot be read: {}", directory, e.getCause() == null ? e : e.getCause());
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    private static CompletableFuture<Optional<StorageStatus>> start(Path directory) {
        CompletableFuture<Optional<StorageStatus>> answer = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("probe " + directory).start(() -> {
            try {
                answer.complete(read(directory));
            } catch (IOException | RuntimeException e) {
                answer.completeExceptionally(e);
            } finally {
                RUNNING.remove(directory, answer);
            }
        });
        return answer;
    }

    private static Optional<StorageStatus> read(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return Optional.empty();
        }
        FileSystemStatus status = FileSystemStatus.of(directory);
        if (status.total() <= 0) {
            return Optional.of(new StorageStatus.Inactive());
        }
        return Optional.of(new StorageStatus.Active(
                ByteSize.ofBytes(status.total()),
                ByteSize.ofBytes(Math.max(0, status.available())),
                ByteSize.ofBytes(Math.max(0, status.total() - status.free()))));
    }
}
