package dev.tenon.cli.volume;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Goes back to a snapshot. */
@Command(
        name = "rollback",
        mixinStandardHelpOptions = true,
        description =
                "Rolls a volume back to a snapshot; what came later is lost. No guest may be running on the volume.",
        footer = {"", "Example: tenon volume rollback fast:100/vm-100-disk-0.qcow2 before-upgrade"})
final class RollbackCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Parameters(paramLabel = "SNAPSHOT", description = "the snapshot")
    @SuppressWarnings("NullAway.Init")
    private SnapshotName snapshot;

    @Override
    protected void run(Host host) throws IOException {
        GuestVolume.change(host, volume, service -> service.rollback(volume, snapshot));
    }
}
