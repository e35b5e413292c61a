package dev.tenon.core.spi;

import java.util.List;

/** Whether a volume can go back to a snapshot (the answer of PVE's {@code volume_rollback_is_possible}). */
public sealed interface Rollback {
    record Possible() implements Rollback {}

    /**
     * It cannot.
     *
     * @param reason one sentence without a trailing newline
     * @param blockers the snapshots that would have to be deleted first; empty if that would not help, or if the plugin
     *     does not say
     */
    record Blocked(String reason, List<SnapshotName> blockers) implements Rollback {
        public Blocked {
            blockers = List.copyOf(blockers);
        }
    }
}
