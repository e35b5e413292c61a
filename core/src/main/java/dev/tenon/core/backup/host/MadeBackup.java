package dev.tenon.core.backup.host;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.DeviceName;
import java.util.Map;

/**
 * A backup that was made.
 *
 * @param volume the archive
 * @param archiveSize what the provider counts for it
 * @param disks what became of the bitmap of each disk, {@link BitmapMode#REUSE} for those that were read in part; empty for
 *     a container
 */
public record MadeBackup(VolumeId volume, ByteSize archiveSize, Map<DeviceName, BitmapMode> disks) {}
