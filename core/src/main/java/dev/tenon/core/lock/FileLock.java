package dev.tenon.core.lock;

import dev.tenon.core.linux.Flock;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The flock(2) on a file. The threads of this process queue among themselves, and the first of them queues in the kernel
 * with the other processes; so nobody is passed over for ever, whoever else wants the file.
 */
final class FileLock implements ExclusiveLock {
    /** By the file's absolute path; as many as there are storages and guests, so none is ever forgotten. */
    private static final ConcurrentHashMap<Path, Queue> QUEUES = new ConcurrentHashMap<>();

    private final Path file;
    private final @Nullable LockDirectory directory;
    private final LockName name;
    private final boolean isReentrant;

    /**
     * The lock on this file.
     *
     * @param file made if it is missing, never deleted
     * @param directory the directory it is in, made on demand; null if it must exist
     * @param isReentrant whether a thread that holds it gets it again; otherwise that is refused at once
     */
    FileLock(Path file, @Nullable LockDirectory directory, LockName name, boolean isReentrant) {
        this.file = file.toAbsolutePath().normalize();
        this.directory = directory;
        this.name = name;
        this.isReentrant = isReentrant;
    }

    /** The threads of this process that want a file. The fields belong to the one whose turn it is. */
    private static final class Queue {
        final Turn turn = new Turn();

        /** A waiter in the kernel, left there by a thread whose time was up. */
        @Nullable
        FlockWaiter leftBehind;
    }

    @Override
    public <T extends @Nullable Object> T hold(@Nullable Duration timeout, Supplier<T> work) {
        Patience patience = new Patience(timeout);
        Queue queue = QUEUES.computeIfAbsent(file, path -> new Queue());
        if (isReentrant && queue.turn.isOwn()) {
            return work.get();
        }
        return queue.turn.await(patience, name, () -> {
            Flock flock = lock(queue, patience);
            try {
                return work.get();
            } finally {
                flock.close();
            }
        });
    }

    private Flock lock(Queue queue, Patience patience) {
        try {
            FlockWaiter waiter = patience.left() > 0 ? queue.leftBehind : null;
            if (waiter == null || !waiter.takeUp()) {
                Flock flock = open();
                if (tryLock(flock)) {
                    return flock;
                }
                if (patience.left() <= 0) {
                    flock.close();
                    throw name.timedOut();
                }
                waiter = FlockWaiter.start(flock, file);
                queue.leftBehind = waiter;
            }
            Flock flock = waiter.await(patience);
            if (flock == null) {
                throw name.timedOut();
            }
            queue.leftBehind = null;
            return flock;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw name.interrupted();
        } catch (IOException e) {
            queue.leftBehind = null;
            throw name.failed("can't acquire lock '" + file + "'", e);
        }
    }

    private Flock open() {
        if (directory != null) {
            directory.make(name);
        }
        try {
            return Flock.open(file);
        } catch (IOException e) {
            throw name.failed(name.opening(), e);
        }
    }

    /** Closes the file if it fails. */
    private static boolean tryLock(Flock flock) throws IOException {
        try {
            return flock.tryLock();
        } catch (IOException e) {
            flock.close();
            throw e;
        }
    }
}
