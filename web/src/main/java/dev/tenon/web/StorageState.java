package dev.tenon.web;

import dev.tenon.core.spi.StorageStatus;
import java.util.Optional;

/** How a storage is, in one word. */
enum StorageState {
    ACTIVE("active"),
    INACTIVE("inactive"),
    FAILED("failed"),
    /** It has not said anything yet. */
    UNKNOWN("unknown");

    private final String word;

    StorageState(String word) {
        this.word = word;
    }

    String word() {
        return word;
    }

    static StorageState of(Optional<Statuses.Seen> seen) {
        if (seen.isEmpty()) {
            return UNKNOWN;
        }
        return switch (seen.get().status()) {
            case StorageStatus.Active _ -> ACTIVE;
            case StorageStatus.Inactive _ -> INACTIVE;
            case null -> FAILED;
        };
    }
}
