package dev.tenon.bridge.perl;

import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Method;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.Value;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * Keeps the volumes apart that are made at the same time. What a failed import left is removed by its name, and since it
 * failed nobody else may have got that name. So the calls that make, rename or free volumes, which are those that PVE makes
 * under the storage's lock, wait while such a removal is under way.
 */
final class Creations {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final String UNDER_LOCK = "storage";

    private final Map<String, ReentrantReadWriteLock> locks = new ConcurrentHashMap<>();
    private final Map<String, Import> imports = new ConcurrentHashMap<>();

    /** An import that is under way, until this is closed. */
    final class Import implements AutoCloseable {
        private final String volume;
        private final ReentrantReadWriteLock lock;
        private volatile boolean isShared;

        private Import(VolumeId volume) {
            this.volume = volume.toString();
            this.lock = lockOf(volume.storage().value());
            this.isShared = imports.putIfAbsent(this.volume, this) != null;
        }

        /** Whether somebody else made, or makes, a volume of this name. */
        boolean isShared() {
            return isShared;
        }

        /** Makes the import. If it fails, nobody makes or frees a volume of the storage until this is closed. */
        VolumeId alone(Supplier<VolumeId> importing) {
            try {
                VolumeId made = importing.get();
                Import other = imports.get(made.toString());
                if (other != null && !other.equals(this)) {
                    other.isShared = true;
                }
                return made;
            } catch (StorageException failure) {
                if (!isQuiet() || isShared) {
                    throw new NotOurs(failure);
                }
                throw failure;
            }
        }

        /** Whether those who make volumes have come to their end, so that it is known whether one has this name. */
        private boolean isQuiet() {
            // The call may have been interrupted, which must not keep anybody from looking.
            boolean wasInterrupted = Thread.interrupted();
            try {
                return lock.writeLock().tryLock(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                wasInterrupted = true;
                return false;
            } finally {
                if (wasInterrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }

        @Override
        public void close() {
            imports.remove(volume, this);
            if (lock.isWriteLockedByCurrentThread()) {
                lock.writeLock().unlock();
            }
        }
    }

    /** An import failed, and what has its name now is not to be touched. */
    private static final class NotOurs extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient StorageException failure;

        NotOurs(StorageException failure) {
            super(failure);
            this.failure = failure;
        }
    }

    private ReentrantReadWriteLock lockOf(String storage) {
        return locks.computeIfAbsent(storage, _ -> new ReentrantReadWriteLock());
    }

    Import beginImport(VolumeId volume) {
        return new Import(volume);
    }

    /** Runs what makes an import whole or removes it; what is not to be removed is told in its failure. */
    static VolumeId whole(Supplier<VolumeId> run) {
        try {
            return run.get();
        } catch (NotOurs e) {
            throw new StorageException(
                    e.failure.error(),
                    dev.tenon.core.spi.Outcome.UNKNOWN,
                    e.failure.getMessage() + "; another call has made a volume of the same name, or is about to: look"
                            + " at it before it is used",
                    e.failure);
        }
    }

    /**
     * Makes any call.
     *
     * @throws StorageException {@code PLUGIN_BUSY} if the removal of an unfinished volume takes too long
     */
    Value during(Method row, String storage, String what, Supplier<Value> call) {
        if (!UNDER_LOCK.equals(row.lock())) {
            return call.get();
        }
        Lock lock = lockOf(storage).readLock();
        try {
            if (!lock.tryLock(PATIENCE.toNanos(), TimeUnit.NANOSECONDS)) {
                throw Failures.of(
                        ErrorCode.PLUGIN_BUSY,
                        Outcome.NOT_STARTED,
                        what,
                        "an unfinished volume of the storage is being removed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Failures.of(
                    ErrorCode.CANCELLED, Outcome.NOT_STARTED, what, "was cancelled while it waited for the storage");
        }
        try {
            return noted(storage, call.get());
        } finally {
            lock.unlock();
        }
    }

    /** An import of the name that somebody else's volume has got must not remove it. */
    private Value noted(String storage, Value answer) {
        if (!imports.isEmpty() && answer instanceof Value.Text(String made)) {
            Import importing = imports.get(made.startsWith(storage + ":") ? made : storage + ":" + made);
            if (importing != null) {
                importing.isShared = true;
            }
        }
        return answer;
    }
}
