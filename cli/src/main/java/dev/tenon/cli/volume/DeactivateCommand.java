package dev.tenon.cli.volume;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Undoes the activation of a volume. */
@Command(
        name = "deactivate",
        mixinStandardHelpOptions = true,
        description = "Undoes the activation of a volume on this node, as far as its storage does that.",
        footer = {"", "Example: tenon volume deactivate fast:100/vm-100-disk-0.raw"})
final class DeactivateCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Option(names = "--snapshot", paramLabel = "NAME", description = "this snapshot of it")
    private @Nullable SnapshotName snapshot;

    @Override
    protected void run(Host host) throws IOException {
        host.of(volume.storage()).deactivateVolumes(List.of(volume), snapshot);
    }
}
