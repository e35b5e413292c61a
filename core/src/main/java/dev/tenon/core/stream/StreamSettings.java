package dev.tenon.core.stream;

import dev.tenon.core.image.CopyProgress;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * How a transfer is made.
 *
 * @param what it is, for errors, for instance {@code the export of volume 'nas:100/vm-100-disk-0.raw'}
 * @param bytesPerSecond how fast, at most; empty for as fast as it goes
 * @param progress is told how many bytes of the whole stream have moved; its total is 0 where that is not known before
 * @param patience how long the other end may neither take nor give anything
 * @param checksum whether the SHA-256 of the whole stream is wanted, for which its bytes must be read
 */
public record StreamSettings(
        String what, OptionalLong bytesPerSecond, CopyProgress progress, Duration patience, boolean checksum) {
    /** As fast as it goes, and two minutes of patience. */
    public static final StreamSettings USUAL =
            new StreamSettings("the transfer", OptionalLong.empty(), CopyProgress.NONE, Duration.ofMinutes(2), false);

    public StreamSettings {
        if (bytesPerSecond.isPresent() && bytesPerSecond.getAsLong() <= 0) {
            throw new IllegalArgumentException("a limit of " + bytesPerSecond.getAsLong() + " bytes a second");
        }
    }

    public StreamSettings named(String name) {
        return new StreamSettings(name, bytesPerSecond, progress, patience, checksum);
    }

    public StreamSettings withLimit(OptionalLong limit) {
        return new StreamSettings(what, limit, progress, patience, checksum);
    }

    public StreamSettings withProgress(CopyProgress listener) {
        return new StreamSettings(what, bytesPerSecond, listener, patience, checksum);
    }

    public StreamSettings withPatience(Duration limit) {
        return new StreamSettings(what, bytesPerSecond, progress, limit, checksum);
    }

    public StreamSettings withChecksum() {
        return new StreamSettings(what, bytesPerSecond, progress, patience, true);
    }
}
