package dev.tenon.core.route;

import dev.tenon.core.spi.StorageId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Where calls go.
 *
 * @param storage those of this storage, null for those of all, and those that are about the type
 * @param method those of this method of {@link dev.tenon.core.spi.StoragePlugin}, null for all
 * @param reason why, one line
 * @param since from when on
 * @param isByHand whether somebody chose it, and not the bounds
 */
public record Route(
        @Nullable StorageId storage, @Nullable String method, Way way, String reason, Instant since, boolean isByHand) {
    static final int LONGEST_REASON = 500;

    public Route {
        if (reason.isBlank()
                || reason.length() > LONGEST_REASON
                || reason.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException("the reason '" + reason.replaceAll("\\p{Cntrl}", "?")
                    + "' of a route has to be one line with 1 to " + LONGEST_REASON + " characters");
        }
    }

    /** Whether it is for this call. */
    boolean fits(@Nullable StorageId ofCall, String operation) {
        return (storage == null || storage.equals(ofCall)) && (method == null || method.equals(operation));
    }

    /** Whether each call that the other is for is one of these. */
    boolean contains(Route other) {
        return (storage == null || storage.equals(other.storage)) && (method == null || method.equals(other.method));
    }

    /** A storage says more than a method. */
    int precision() {
        return (storage == null ? 0 : 2) + (method == null ? 0 : 1);
    }
}
