package dev.tenon.core.lock;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A lock of PVE's cluster file system: a directory that only one can make. The file system drops it 120 seconds after
 * somebody first asked for it in vain, so that a node that died locks nobody out. Therefore the work has 60 seconds;
 * then its thread is interrupted and the call fails. The lock is not refreshed, though the file system would allow it:
 * PVE's own holders do not, and a holder that hangs or is cut off from the cluster would keep it from everyone.
 */
final class ClusterLock implements ExclusiveLock {
    private static final Logger LOG = LoggerFactory.getLogger(ClusterLock.class);

    static final Duration WORK_LIMIT = Duration.ofSeconds(60);

    /** After this time the directory may be another's lock. */
    private static final Duration EXPIRY = Duration.ofMinutes(2);

    private static final FileTime UNLOCK_REQUEST = FileTime.fromMillis(0);
    private static final int OWNER_MAY_WRITE = 0200;
    private static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos(1);
    private static final long SHORTEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(100);

    private static final ConcurrentHashMap<Path, Turn> TURNS = new ConcurrentHashMap<>();

    private final Path cluster;
    private final Path directory;
    private final String id;
    private final LockName name;
    private final Duration workLimit;

    /**
     * The lock of this id.
     *
     * @param cluster where the cluster file system is mounted
     * @param workLimit how long the work may take
     */
    ClusterLock(Path cluster, String id, Duration workLimit) {
        this.cluster = cluster.toAbsolutePath().normalize();
        this.directory = this.cluster.resolve("priv", "lock", id);
        this.id = id;
        this.name = LockName.ofCluster(id, directory);
        this.workLimit = workLimit;
    }

    @Override
    public <T extends @Nullable Object> T hold(@Nullable Duration timeout, Supplier<T> work) {
        Patience patience = new Patience(timeout);
        return TURNS.computeIfAbsent(directory, path -> new Turn()).await(patience, name, () -> {
            lock(patience);
            long locked = System.nanoTime();
            try {
                return WorkLimit.run(
                        workLimit,
                        work,
                        cause -> new StorageException(
                                StorageError.DEADLINE_EXCEEDED,
                                Outcome.UNKNOWN,
                                "'" + id + "'-locked command timed out - aborting",
                                cause));
            } finally {
                unlock(locked);
            }
        });
    }

    private void lock(Patience patience) {
        Path parent = cluster.resolve("priv", "lock");
        if (!makeDirectory(parent) && !Files.isDirectory(parent)) {
            throw isMounted() && !isQuorate() ? noQuorum() : name.unavailable("pve cluster filesystem not online.");
        }
        while (!makeDirectory(directory)) {
            long pause = Math.clamp(patience.left() / 10, SHORTEST_PAUSE, LONGEST_PAUSE);
            if (pause >= patience.left()) {
                throw isQuorate() ? name.timedOut() : noQuorum();
            }
            requestUnlock();
            try {
                TimeUnit.NANOSECONDS.sleep(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw name.interrupted();
            }
        }
    }

    /** False if it is there or cannot be made; the cluster file system refuses for both reasons, and both may pass. */
    private static boolean makeDirectory(Path path) {
        try {
            Files.createDirectory(path);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private void requestUnlock() {
        try {
            Files.getFileAttributeView(directory, BasicFileAttributeView.class)
                    .setTimes(UNLOCK_REQUEST, UNLOCK_REQUEST, null);
        } catch (IOException e) {
            LOG.debug("the lock '{}' is not asked for: {}", id, e.toString());
        }
    }

    private void unlock(long locked) {
        if (System.nanoTime() - locked >= EXPIRY.toNanos()) {
            LOG.warn("the lock '{}' was held for more than {} s and is left to expire", id, EXPIRY.toSeconds());
            return;
        }
        try {
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            LOG.warn("the lock '{}' cannot be given back and is left to expire: {}", id, e.toString());
        }
    }

    private StorageException noQuorum() {
        return name.unavailable("no quorum!");
    }

    private boolean isMounted() {
        return Files.isSymbolicLink(cluster.resolve("local"));
    }

    /** The cluster file system takes the right to write from this entry while the node has no quorum. */
    private boolean isQuorate() {
        try {
            return (FileStatus.ofLink(cluster.resolve("local")).permissions() & OWNER_MAY_WRITE) != 0;
        } catch (IOException e) {
            return false;
        }
    }
}
