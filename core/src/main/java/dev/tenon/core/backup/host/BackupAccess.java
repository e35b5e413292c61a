package dev.tenon.core.backup.host;

import dev.tenon.core.qemu.Qmp;
import dev.tenon.core.qemu.QmpException;
import dev.tenon.core.spi.StorageId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * What PVE's vzdump leaves in the QEMU of a VM when it is killed in the middle of a backup by a provider: an NBD server and
 * the access to the VM's disks as they were, because of which the next backup fails until the VM is started anew.
 */
public final class BackupAccess {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private BackupAccess() {}

    /**
     * Ends it, if it is there. What was dirty stays dirty, so that the next backup has all changes. A backup of the VM that
     * runs fails.
     *
     * @param monitor the QMP socket of the VM
     * @param storage the storage that the backup went to
     * @throws QmpException if the QEMU does not answer, is none of PVE's, or has the access of a backup to another storage
     */
    public static void end(Path monitor, StorageId storage) throws QmpException {
        try (Qmp qmp = Qmp.connect(monitor, LIMIT)) {
            try {
                qmp.execute("nbd-server-stop");
            } catch (QmpException e) {
                if (!String.valueOf(e.getMessage()).contains("NBD server not running")) {
                    throw e;
                }
            }
            try {
                qmp.execute(
                        "backup-access-teardown", Map.of("target-id", BitmapState.nameFor(storage), "success", false));
            } catch (QmpException e) {
                boolean isUnknown = String.valueOf(e.getMessage()).contains("has not been found");
                throw isUnknown ? e.because("this QEMU is none of PVE's") : e;
            }
        }
    }
}
