package dev.tenon.bridge.transport;

import java.time.Duration;
import java.util.Comparator;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How much all peers of a process leave unread. One that takes nothing for a while is ended, and where all of it together is
 * too much, so is the one that has taken nothing for longest: what waits for peers must not become the memory of a process.
 */
final class Unread {
    /** In this time, a peer that reads at all can read the longest frame many times over. */
    static final Duration PATIENCE = Duration.ofSeconds(60);

    static final long MOST_BYTES = 64L << 20;

    private final Set<Connection> connections;
    private final Duration patience;
    private final long mostBytes;
    private final AtomicLong bytes = new AtomicLong();

    Unread(Set<Connection> connections, Duration patience, long mostBytes) {
        this.connections = connections;
        this.patience = patience;
        this.mostBytes = mostBytes;
    }

    Duration patience() {
        return patience;
    }

    /** Counts so many bytes more that wait, or fewer. */
    void add(long more) {
        bytes.addAndGet(more);
    }

    /** Ends those that have not read for longest while there is too much. The caller holds no connection's lock. */
    void bound() {
        while (bytes.get() > mostBytes) {
            Connection slowest = connections.stream()
                    .filter(Connection::hasUnread)
                    .min(Comparator.comparingLong(Connection::lastTaken))
                    .orElse(null);
            if (slowest == null) {
                return;
            }
            slowest.giveUp("the peer reads too slowly: what all peers have not read is more than " + (mostBytes >> 20)
                    + " MiB");
        }
    }
}
