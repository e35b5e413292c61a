package dev.tenon.bridge.perl;

import dev.tenon.bridge.perl.SidecarSettings.Limit;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the members of a family come from: the process that has loaded the plugin. One that has ended is started anew when
 * a member is wanted, after a pause that grows while it keeps ending. When the plugin's file changes, the new one is loaded
 * beside it and takes its place, unless that fails.
 */
final class Ancestry implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Ancestry.class);
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(100);
    private static final int LONGEST_PAUSE_DOUBLINGS = 7;
    private static final long BETWEEN_LOOKS = Duration.ofSeconds(1).toNanos();

    /** What differs between two versions of a file. */
    private record Version(
            long size, FileTime changed, @Nullable Object key) {}

    private final Parent.Surroundings surroundings;
    private final SidecarSettings settings;
    private final ReentrantLock starting = new ReentrantLock();

    private volatile Parent parent;
    private volatile @Nullable Version version;
    private final AtomicInteger generation = new AtomicInteger();
    private final AtomicLong lookedAt = new AtomicLong(System.nanoTime());
    private final AtomicBoolean isReloading = new AtomicBoolean();
    private final AtomicInteger failures = new AtomicInteger();
    private final Set<Parent> retiring = ConcurrentHashMap.newKeySet();

    // guarded by starting
    private @Nullable Version loadedFrom;
    private long notBefore = System.nanoTime();
    private @Nullable Parent mourned;
    private boolean isClosed;

    /**
     * Loads the plugin.
     *
     * @throws StorageException {@code PLUGIN_REJECTED} or {@code SIDECAR_FAILED}
     */
    Ancestry(Parent.Surroundings surroundings) {
        this.surroundings = surroundings;
        this.settings = surroundings.settings();
        this.version = versionNow();
        this.loadedFrom = version;
        this.parent = Parent.start(surroundings, generation.get());
    }

    /** The plugin as members have it that are made now. */
    Loaded loaded() {
        return parent.loaded();
    }

    /** How many versions of the plugin's file there were before the one that members are made of now. */
    int generation() {
        return generation.get();
    }

    /** The process that has loaded the plugin. */
    PluginProcess process() {
        return parent.process();
    }

    boolean includes(long pid) {
        return parent.includes(pid);
    }

    // ---- a new member

    /**
     * A new process that makes calls.
     *
     * @param what the call that it is for, in words
     * @param deadline until when to wait for the pause after failures, by {@link System#nanoTime}
     * @param renewed runs if members are of a new version from now on
     * @throws StorageException {@code SIDECAR_FAILED}, {@code NOT_STARTED}
     */
    PluginProcess child(String what, long deadline, Runnable renewed) {
        Parent current = running(what, deadline, renewed);
        if (isAlone()) {
            return current.process();
        }
        try {
            return current.fork();
        } catch (StorageException e) {
            // A process that a new version has replaced meanwhile forks no members.
            if (current == parent && current.process().isAlive()) {
                throw failed(what, e);
            }
            try {
                return running(what, deadline, renewed).fork();
            } catch (StorageException again) {
                throw failed(what, again);
            }
        }
    }

    private boolean isAlone() {
        return settings.members() == 1;
    }

    private static StorageException failed(String what, StorageException e) {
        return Failures.of(
                ErrorCode.valueOf(e.error().name()), Outcome.NOT_STARTED, what, String.valueOf(e.getMessage()));
    }

    private Parent running(String what, long deadline, Runnable renewed) {
        Parent current = parent;
        if (current.process().isAlive()) {
            return current;
        }
        lock(what, deadline);
        try {
            current = parent;
            if (current.process().isAlive()) {
                return current;
            }
            if (isClosed) {
                throw Failures.of(ErrorCode.SIDECAR_FAILED, Outcome.NOT_STARTED, what, "the plugin has been closed");
            }
            if (mourned != current) {
                mourned = current;
                LOG.warn(
                        "event=sidecar-ended plugin={} pid={}",
                        surroundings.name(),
                        current.process().pid());
                paused();
            }
            awaitPause(what, deadline);
            return started(what, renewed);
        } finally {
            starting.unlock();
        }
    }

    private Parent started(String what, Runnable renewed) {
        try {
            Version seen = versionNow();
            version = seen;
            int next = generation.get() + (Objects.equals(seen, loadedFrom) ? 0 : 1);
            Parent fresh = ofSameType(Parent.start(surroundings, next));
            loadedFrom = seen;
            parent = fresh;
            if (generation.getAndSet(next) != next) {
                renewed.run();
            }
            return fresh;
        } catch (StorageException e) {
            paused();
            throw failed(what, e);
        }
    }

    /** Callers know the plugin by its type. */
    private Parent ofSameType(Parent fresh) {
        String before = parent.loaded().description().type();
        String now = fresh.loaded().description().type();
        if (!now.equals(before)) {
            fresh.process().stop(settings.limit(Limit.STOP));
            throw StorageException.refused(
                    StorageError.PLUGIN_REJECTED,
                    "the type of the plugin '" + settings.plugin() + "' is '" + now + "' now and was '" + before
                            + "', which needs a restart of the daemon");
        }
        return fresh;
    }

    private void lock(String what, long deadline) {
        try {
            if (!starting.tryLock(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                throw Failures.of(
                        ErrorCode.PLUGIN_BUSY, Outcome.NOT_STARTED, what, "the plugin is being loaded by another call");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw cancelled(what);
        }
    }

    private static StorageException cancelled(String what) {
        return Failures.of(
                ErrorCode.CANCELLED, Outcome.NOT_STARTED, what, "was cancelled while the plugin was started");
    }

    /** Counts a failure; the first costs no pause, each further one twice the last. */
    private void paused() {
        int count = failures.incrementAndGet();
        long pause = count < 2 ? 0 : SHORTEST_PAUSE.toNanos() << Math.min(count - 2, LONGEST_PAUSE_DOUBLINGS);
        notBefore = System.nanoTime() + pause;
    }

    private void awaitPause(String what, long deadline) {
        long pause = notBefore - System.nanoTime();
        if (pause <= 0) {
            return;
        }
        if (pause > deadline - System.nanoTime()) {
            throw Failures.of(
                    ErrorCode.SIDECAR_FAILED,
                    Outcome.NOT_STARTED,
                    what,
                    "the plugin ended " + failures.get() + " times in a row and is started again in "
                            + TimeUnit.NANOSECONDS.toMillis(pause) + " ms");
        }
        try {
            TimeUnit.NANOSECONDS.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw cancelled(what);
        }
    }

    // ---- a new version of the file

    /** Null while there is none, as between two versions. */
    private @Nullable Version versionNow() {
        try {
            BasicFileAttributes now = Files.readAttributes(settings.plugin(), BasicFileAttributes.class);
            return new Version(now.size(), now.lastModifiedTime(), now.fileKey());
        } catch (IOException e) {
            return null;
        }
    }

    /**
     * Looks now and then whether there is another version of the plugin's file, and loads it in the background.
     *
     * @param renewed runs once new members are of the new version
     */
    void lookAtFile(Runnable renewed) {
        long now = System.nanoTime();
        long last = lookedAt.get();
        if (now - last < BETWEEN_LOOKS || !lookedAt.compareAndSet(last, now)) {
            return;
        }
        Version seen = versionNow();
        if (seen != null && !seen.equals(version) && isReloading.compareAndSet(false, true)) {
            Thread.ofPlatform().daemon().name("reload-" + surroundings.name()).start(() -> {
                try {
                    reload(seen, renewed);
                } finally {
                    isReloading.set(false);
                }
            });
        }
    }

    private void reload(Version seen, Runnable renewed) {
        starting.lock();
        try {
            if (isClosed) {
                return;
            }
            version = seen;
            if (isAlone()) {
                // The next call loads it, when the process of the old one has gone.
                loadedFrom = seen;
                generation.incrementAndGet();
                renewed.run();
                return;
            }
            Parent old = parent;
            Parent fresh = ofSameType(Parent.start(surroundings, generation.get() + 1));
            loadedFrom = seen;
            parent = fresh;
            generation.incrementAndGet();
            renewed.run();
            retiring.add(old);
            var _ = old.gone().whenComplete((_, _) -> retiring.remove(old));
            old.endAfterItsChildren(settings.limit(Limit.STOP));
            LOG.info(
                    "event=plugin-reloaded plugin={} pid={}",
                    surroundings.name(),
                    fresh.process().pid());
        } catch (StorageException e) {
            LOG.error(
                    "event=plugin-not-reloaded plugin={} reason=\"{}\" do=\"correct the file; the old version stays in use\"",
                    surroundings.name(),
                    e.getMessage());
        } finally {
            starting.unlock();
        }
    }

    /** A member has answered, so the plugin does not end at once. */
    void answered() {
        if (failures.get() != 0) {
            failures.set(0);
        }
    }

    @Override
    public void close() {
        starting.lock();
        try {
            isClosed = true;
            parent.process().stop(settings.limit(Limit.STOP));
        } finally {
            starting.unlock();
        }
        awaitGone();
    }

    /** What they listen on must not outlive the threads that serve it. */
    private void awaitGone() {
        List<CompletableFuture<Void>> ends = new ArrayList<>(List.of(parent.gone()));
        retiring.forEach(old -> ends.add(old.gone()));
        try {
            CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new))
                    .get(settings.limit(Limit.STOP).toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (TimeoutException | ExecutionException e) {
            LOG.warn("event=sidecar-not-gone plugin={} reason=\"{}\"", surroundings.name(), e.toString());
        }
    }
}
