package dev.tenon.core.backup.host;

import dev.tenon.core.spi.StorageId;
import java.io.IOException;

/** Finds the disks of a VM for one backup. */
@FunctionalInterface
public interface DiskOpener {
    /**
     * Opens them.
     *
     * @param work for sockets
     * @param storage where the backup goes
     * @return to be closed by the caller
     */
    GuestDisks open(WorkDirectory work, StorageId storage) throws IOException;
}
