package dev.tenon.core.backup.host;

import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.GuestConfigs;
import org.jspecify.annotations.Nullable;

/**
 * What a backup is to be.
 *
 * @param storage where it goes
 * @param notes what is noted about the archive, null for nothing
 * @param isProtected whether the archive must not be removed
 * @param retention which backups of the guest are kept afterwards, null for all
 */
public record BackupRequest(
        StorageId storage,
        Vmid guest,
        GuestConfigs configs,
        BackupLimits limits,
        @Nullable String notes,
        boolean isProtected,
        @Nullable Retention retention) {}
