package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * Which parts of a volume are to be transferred.
 *
 * @param snapshot null for the volume as it is now
 * @param base the snapshot that the other end already has, null if none
 * @param withSnapshots whether the volume's snapshots come with it
 */
public record Transfer(
        @Nullable SnapshotName snapshot, @Nullable SnapshotName base, boolean withSnapshots) {}
