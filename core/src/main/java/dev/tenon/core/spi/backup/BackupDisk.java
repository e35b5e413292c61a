package dev.tenon.core.spi.backup;

import dev.tenon.core.spi.ByteSize;

/**
 * A disk of a VM at one point in time.
 *
 * @param size as the guest sees it: a multiple of 512, not necessarily of a bitmap's 4 MiB
 * @param bitmap which parts of it can be read
 * @param access how it is read
 */
public record BackupDisk(ByteSize size, BitmapMode bitmap, DiskAccess access) {}
