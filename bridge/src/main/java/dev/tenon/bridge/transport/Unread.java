package dev.tenon.bridge.transport;

import java.time.Duration;
import java.util.Comparator;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds what all peers of a process leave unread, so that it cannot fill the memory. A connection whose peer has read
 * nothing for a while is ended; if all of it together is too much, so is the one whose peer has read nothing for longest.
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
