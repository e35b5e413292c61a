package dev.tenon.cli.volume;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Makes a base image. */
@Command(
        name = "base",
        mixinStandardHelpOptions = true,
        description =
                "Makes an image the base of linked clones and prints its new volume id. It must not be written to any more.",
        footer = {"", "Example: tenon volume base fast:9000/vm-9000-disk-0.qcow2"})
final class BaseCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        tellMade(host.of(volume.storage()).createBase(volume), json);
    }
}
