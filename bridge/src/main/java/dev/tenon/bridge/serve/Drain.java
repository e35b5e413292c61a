package dev.tenon.bridge.serve;

import dev.tenon.bridge.session.Session;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The last part of a daemon's life, when another one accepts: what was begun here is finished here. */
final class Drain implements Succession.Draining {
    private static final Logger LOG = LoggerFactory.getLogger(Drain.class);

    /** A client that does not know the notice may make its next call at once; one that is silent for so long makes none. */
    private static final Duration QUIET = Duration.ofSeconds(1);

    /** Work that a call has left is claimed as soon as a lock is released, or never. */
    private static final Duration LEFT = Duration.ofMinutes(10);

    private static final Duration LOOK = Duration.ofMillis(100);

    private final Set<Session> sessions;
    private final ServedPlugins plugins;
    private final @Nullable Predecessor before;
    private final Daemon.Following following;

    // guarded by this
    private @Nullable Session successor;
    private long began;

    Drain(Set<Session> sessions, ServedPlugins plugins, @Nullable Predecessor before, Daemon.Following following) {
        this.sessions = sessions;
        this.plugins = plugins;
        this.before = before;
        this.following = following;
    }

    @Override
    public synchronized void begin(Session to) {
        successor = to;
        began = System.nanoTime();
        for (Session session : sessions) {
            if (session != to) {
                session.leave(
                        "SHUTTING_DOWN", "another daemon has taken over", QUIET, () -> plugins.isNeededBy(session));
            }
        }
        Thread.ofPlatform().daemon().name("tenon-drain").start(() -> watch(to));
    }

    @Override
    public synchronized void cease() {
        successor = null;
    }

    /** For how long it has been draining; null if it is not. */
    synchronized @Nullable Duration elapsed() {
        return successor == null ? null : Duration.ofNanos(System.nanoTime() - began);
    }

    private synchronized boolean isFor(Session to) {
        return successor == to;
    }

    /** Calls, transfers, objects and what came before end each in their own way, so they are looked at. */
    private void watch(Session to) {
        while (isFor(to)) {
            Duration elapsed = elapsed();
            if (elapsed != null && isDone(to, elapsed)) {
                LOG.info("event=drained after={}", elapsed);
                following.whenEnded().run();
                return;
            }
            if (elapsed != null && elapsed.compareTo(following.limit()) > 0) {
                LOG.warn("event=drain-limit connections={} after={}", sessions.size() - 1, elapsed);
                following.whenEnded().run();
                return;
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    private boolean isDone(Session to, Duration elapsed) {
        return sessions.stream().allMatch(session -> session == to)
                && plugins.isIdle(elapsed.compareTo(LEFT) < 0)
                && (before == null || before.hasEnded());
    }
}
