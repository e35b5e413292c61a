package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * What of a volume is to be transferred.
 *
 * @param snapshot null for the volume as it is now
 * @param base the snapshot that the other end has already, null if it has none
 * @param withSnapshots whether the volume's snapshots come with it
 */
public record Transfer(
        @Nullable SnapshotName snapshot, @Nullable SnapshotName base, boolean withSnapshots) {}
