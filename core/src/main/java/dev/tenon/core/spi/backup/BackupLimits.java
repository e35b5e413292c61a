package dev.tenon.core.spi.backup;

import java.util.OptionalLong;

/**
 * What a backup must not exceed. Nobody but the provider enforces it.
 *
 * @param bytesPerSecond how much may be read from the guest's disks in a second, empty if any; 0 counts as empty, as in PVE
 */
public record BackupLimits(OptionalLong bytesPerSecond) {
    public static final BackupLimits NONE = new BackupLimits(OptionalLong.empty());

    public BackupLimits {
        bytesPerSecond = bytesPerSecond.stream().filter(bytes -> bytes > 0).findFirst();
    }
}
