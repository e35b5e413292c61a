package dev.tenon.bridge.perl;

import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Limits how much of a plugin's output is logged, so that endless output cannot fill the log. All processes share one. */
final class Flood {
    private static final Logger LOG = LoggerFactory.getLogger(Flood.class);
    private static final long MOST_AT_ONCE = 8L << 20;
    private static final long BYTES_A_SECOND = 64 << 10;
    private static final double NANOS_PER_SECOND = 1e9;

    private final String plugin;
    private final LongSupplier nanoTime;
    private double room = MOST_AT_ONCE;
    private long at;
    private long dropped;

    Flood(String plugin, LongSupplier nanoTime) {
        this.plugin = plugin;
        this.nanoTime = nanoTime;
        this.at = nanoTime.getAsLong();
    }

    /**
     * Whether a line of this length is logged. The first dropped line is logged, and the number of them when there is room.
     */
    synchronized boolean admits(int bytes) {
        long now = nanoTime.getAsLong();
        room = Math.min(MOST_AT_ONCE, room + (now - at) / NANOS_PER_SECOND * BYTES_A_SECOND);
        at = now;
        if (dropped == 0 && room < bytes) {
            LOG.warn(
                    "event=plugin-floods plugin={} what=\"it prints more than {} bytes a second; lines are dropped\"",
                    plugin,
                    BYTES_A_SECOND);
        }
        // A plugin that floods is heard again only after it was quiet for a while, so that the log is not full of first
        // lines.
        if (room < bytes || (dropped > 0 && room < MOST_AT_ONCE / 2.0)) {
            dropped++;
            return false;
        }
        room -= bytes;
        if (dropped > 0) {
            LOG.warn("event=plugin-flooded plugin={} lines={} what=\"so many were dropped\"", plugin, dropped);
            dropped = 0;
        }
        return true;
    }
}
