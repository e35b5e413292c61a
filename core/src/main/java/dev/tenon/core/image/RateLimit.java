package dev.tenon.core.image;

import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** How fast bytes may be moved, on the average since this was made. */
public final class RateLimit {
    /** How many pieces a second if there is a limit. */
    private static final int PIECES = 10;

    private static final int SMALLEST_PIECE = 64 << 10;
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final OptionalLong bytesPerSecond;
    private final long begun = System.nanoTime();

    /**
     * Begins now.
     *
     * @param bytesPerSecond more than 0; empty for no limit
     */
    public RateLimit(OptionalLong bytesPerSecond) {
        if (bytesPerSecond.isPresent() && bytesPerSecond.getAsLong() <= 0) {
            throw new IllegalArgumentException("a limit of " + bytesPerSecond.getAsLong() + " bytes a second");
        }
        this.bytesPerSecond = bytesPerSecond;
    }

    /** How much may be moved at once, up to this. */
    public long piece(long most) {
        return bytesPerSecond.isEmpty()
                ? most
                : Math.min(most, Math.max(SMALLEST_PIECE, bytesPerSecond.getAsLong() / PIECES));
    }

    /**
     * Waits until more may be moved.
     *
     * @param moved bytes that have been moved since the beginning
     * @param look is called several times a second; what it throws ends the waiting
     */
    public void await(long moved, Runnable look) {
        if (bytesPerSecond.isEmpty()) {
            return;
        }
        long due = (long) (moved / (double) bytesPerSecond.getAsLong() * TimeUnit.SECONDS.toNanos(1));
        for (long left = due - (System.nanoTime() - begun); left > 0; left = due - (System.nanoTime() - begun)) {
            look.run();
            LockSupport.parkNanos(Math.min(left, LOOK_NANOS));
        }
    }
}
