package dev.tenon.cli.volume;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Removes a volume. */
@Command(
        name = "free",
        mixinStandardHelpOptions = true,
        description = "Removes a volume. The base image of linked clones is not removed.",
        footer = {"", "Example: tenon volume free fast:100/vm-100-disk-0.raw"})
final class FreeCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Override
    protected void run(Host host) throws IOException {
        host.of(volume.storage()).freeImage(volume);
    }
}
