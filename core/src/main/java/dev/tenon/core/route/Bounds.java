package dev.tenon.core.route;

import java.time.Duration;

/**
 * How bad the new plugin may be before a storage goes back to the old one.
 *
 * @param bad so many bad calls are too many: those that failed where the old plugin does not, and those that read and were late
 * @param of among so many of the last calls of a storage
 * @param late how long a call that reads may take
 */
public record Bounds(int bad, int of, Duration late) {
    /** Five of a hundred, and ten seconds. */
    public static final Bounds USUAL = new Bounds(5, 100, Duration.ofSeconds(10));

    private static final int MOST = 10_000;

    public Bounds {
        if (bad < 1 || of < bad || of > MOST) {
            throw new IllegalArgumentException("the bound is " + bad + " bad calls of " + of
                    + "; it has to be at least 1 of at least as many, and of at most " + MOST);
        }
        if (late.toMillis() < 1) {
            throw new IllegalArgumentException(
                    "a call cannot be late after " + late.toMillis() + " ms; after 1 it can");
        }
    }
}
