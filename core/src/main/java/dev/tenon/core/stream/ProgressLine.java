package dev.tenon.core.stream;

import dev.tenon.core.spi.ByteSize;
import java.util.Locale;
import java.util.Optional;

/**
 * Tells people how far a transfer has got, for instance {@code transferred 1.20 GiB of 32.00 GiB (3.75 %), 1.10 GiB/s, 0:28
 * left}. The rate is that since the line before.
 */
public final class ProgressLine {
    private static final double SECOND = 1e9;

    private long lastTime;
    private long lastDone;

    /**
     * Begins with nothing.
     *
     * @param now of {@link System#nanoTime}
     */
    public ProgressLine(long now) {
        lastTime = now;
    }

    /**
     * The next line; empty as long as nothing has arrived, which is up to the sender.
     *
     * @param done bytes
     * @param total bytes, 0 if not known
     * @param now of {@link System#nanoTime}
     */
    public Optional<String> next(long done, long total, long now) {
        if (done == 0) {
            lastTime = now;
            return Optional.empty();
        }
        double seconds = (now - lastTime) / SECOND;
        double rate = seconds > 0 ? Math.max(0, done - lastDone) / seconds : 0;
        lastTime = now;
        lastDone = done;
        StringBuilder line = new StringBuilder("transferred ").append(ByteSize.shown((double) done));
        if (total > 0) {
            line.append(String.format(
                    Locale.ROOT, " of %s (%.2f %%)", ByteSize.shown((double) total), 100.0 * done / total));
        }
        line.append(", ").append(ByteSize.shown(rate)).append("/s");
        if (total > done && rate > 0) {
            long left = Math.round((total - done) / rate);
            line.append(String.format(Locale.ROOT, ", %d:%02d left", left / 60, left % 60));
        }
        return Optional.of(line.toString());
    }
}
