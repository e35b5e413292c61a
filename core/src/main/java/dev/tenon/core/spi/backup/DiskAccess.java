package dev.tenon.core.spi.backup;

import java.nio.file.Path;
import java.util.Optional;

/** How a provider reads a disk while {@link BackupProvider#backupVm} runs. */
public sealed interface DiskAccess {
    /** Which mechanism it belongs to. */
    BackupMechanism mechanism();

    /**
     * An NBD export of its own, behind a Unix socket that root alone can connect to. It takes TRIM, which frees what the
     * host keeps for the point in time; what was trimmed can never be read again. It takes no writes.
     *
     * @param socket the socket's path
     * @param export the export's name; in PVE it is that of the device, and a provider in Perl is not told any other
     * @param bitmap the name of the dirty bitmap, empty if there is none ({@link BitmapMode#NONE}); its metadata context is
     *     {@code qemu:dirty-bitmap:} and the name. With {@link BitmapMode#NEW} it calls the whole disk dirty; with {@link
     *     BitmapMode#REUSE} it must be the only context that is asked for
     */
    record Nbd(Path socket, String export, Optional<String> bitmap) implements DiskAccess {
        /** The address by which the programs of libnbd and QEMU find it: {@code nbd+unix:///EXPORT?socket=PATH}. */
        public String address() {
            return "nbd+unix:///" + export + "?socket=" + socket;
        }

        @Override
        public BackupMechanism mechanism() {
            return BackupMechanism.NBD;
        }
    }

    /**
     * An open file.
     *
     * @param file a path by which this process can open it, for reading and writing, while the call runs. PVE opens it with
     *     {@code O_DIRECT}
     * @param regions which parts of it to read; the whole disk if there is no bitmap
     */
    record FileHandle(Path file, DirtyRegions regions) implements DiskAccess {
        @Override
        public BackupMechanism mechanism() {
            return BackupMechanism.FILE_HANDLE;
        }
    }
}
