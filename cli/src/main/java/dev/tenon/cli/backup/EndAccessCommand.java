package dev.tenon.cli.backup;

import dev.tenon.core.backup.host.BackupAccess;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Ends what a killed vzdump left in a VM. */
@Command(
        name = "end-access",
        mixinStandardHelpOptions = true,
        description =
                "Ends what vzdump leaves in the QEMU of a VM when it is killed in the middle of a backup: the NBD server"
                        + " and the access to the disks, which make the next backup of the VM fail. No change is lost. A"
                        + " backup of the VM that is running fails.",
        footer = {"", "Example: tenon backup end-access --storage vault --vmid 100"})
final class EndAccessCommand implements Callable<Integer> {
    @Option(names = "--storage", paramLabel = "STORAGE", required = true, description = "where the backup went to")
    @SuppressWarnings("NullAway.Init")
    private StorageId storage;

    @Option(names = "--vmid", paramLabel = "N", required = true, description = "the VM")
    @SuppressWarnings("NullAway.Init")
    private Vmid guest;

    @Option(
            names = "--qmp",
            paramLabel = "SOCKET",
            description = "the VM's QMP socket (default: /run/qemu-server/N.qmp)")
    private @Nullable Path monitor;

    @Override
    public Integer call() throws IOException {
        BackupAccess.end(monitor == null ? Path.of("/run/qemu-server/" + guest + ".qmp") : monitor, storage);
        return 0;
    }
}
