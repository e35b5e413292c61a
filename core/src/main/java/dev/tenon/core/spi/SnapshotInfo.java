package dev.tenon.core.spi;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is known about a snapshot (a value of PVE's {@code volume_snapshot_info}).
 *
 * @param id the storage's own name for it, null if it has none
 * @param timestamp seconds since 1970 of its creation, null if not known
 * @param virtualSize the size the volume had for its guest, null if not known
 * @param other further keys, as text, lists and maps: {@code order file volname volid parent child} of a chain
 */
public record SnapshotInfo(
        @Nullable String id,
        @Nullable Long timestamp,
        @Nullable ByteSize virtualSize,
        Map<String, Object> other) {
    public SnapshotInfo {
        other = Map.copyOf(other);
    }
}
