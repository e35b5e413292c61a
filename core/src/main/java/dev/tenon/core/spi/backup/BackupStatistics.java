package dev.tenon.core.spi.backup;

import dev.tenon.core.spi.ByteSize;

/**
 * What the host logs of a backup.
 *
 * @param archiveSize how much the archive takes, or what the provider counts for it
 */
public record BackupStatistics(ByteSize archiveSize) {}
