package dev.tenon.cli.volume;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Where a volume is. */
@Command(
        name = "path",
        mixinStandardHelpOptions = true,
        description =
                "Prints where a volume, or its snapshot, is for QEMU: a path, or a URI. Whether it is there is not looked at.",
        footer = {"", "Example: tenon volume path fast:100/vm-100-disk-0.raw"})
final class PathCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Option(names = "--snapshot", paramLabel = "NAME", description = "this snapshot of it")
    private @Nullable SnapshotName snapshot;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        String path = host.of(volume.storage()).path(volume, snapshot).path();
        if (json.isGiven()) {
            Json.print(out(), Json.object("volid", volume, "snapshot", snapshot, "path", path));
        } else {
            out().println(path);
        }
    }
}
