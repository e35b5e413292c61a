package dev.tenon.cli.volume;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes a volume usable. */
@Command(
        name = "activate",
        mixinStandardHelpOptions = true,
        description = "Makes a volume usable on this node, and before that its storage.",
        footer = {"", "Example: tenon volume activate fast:100/vm-100-disk-0.raw"})
final class ActivateCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Option(names = "--snapshot", paramLabel = "NAME", description = "this snapshot of it")
    private @Nullable SnapshotName snapshot;

    @Override
    protected void run(Host host) throws IOException {
        host.of(volume.storage()).activateVolumes(List.of(volume), snapshot, Hints.NONE);
    }
}
