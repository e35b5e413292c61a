package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * What the options of a QEMU block device are for.
 *
 * @param machineVersion QEMU's machine version, for instance {@code 10.0+pve1}; null if not known
 * @param snapshot null for the volume as it is now
 * @param hints for instance {@code efi-disk}
 */
public record BlockdevQuery(
        @Nullable String machineVersion, @Nullable SnapshotName snapshot, Hints hints) {}
