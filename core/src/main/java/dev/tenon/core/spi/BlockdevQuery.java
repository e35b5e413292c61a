package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * For whom the options of a QEMU block device are made.
 *
 * @param machineVersion QEMU's machine version, for instance {@code 10.0+pve1}; null if it is not known
 * @param snapshot null for the volume as it is now
 * @param hints for instance {@code efi-disk}
 */
public record BlockdevQuery(
        @Nullable String machineVersion, @Nullable SnapshotName snapshot, Hints hints) {}
