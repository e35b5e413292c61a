package dev.tenon.cli.volume;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes and deletes snapshots. */
@Command(
        name = "snapshot",
        mixinStandardHelpOptions = true,
        description = "Makes a snapshot of a volume, or deletes one. No guest may be running on the volume.",
        footer = {"", "Example: tenon volume snapshot fast:100/vm-100-disk-0.qcow2 before-upgrade"})
final class SnapshotCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Parameters(paramLabel = "SNAPSHOT", description = "the snapshot")
    @SuppressWarnings("NullAway.Init")
    private SnapshotName snapshot;

    @Option(names = "--delete", description = "delete this snapshot")
    private boolean delete;

    @Override
    protected void run(Host host) throws IOException {
        GuestVolume.change(host, volume, service -> {
            if (delete) {
                service.deleteSnapshot(volume, snapshot, false);
            } else {
                service.snapshotVolume(volume, snapshot);
            }
        });
    }
}
