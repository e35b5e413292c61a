package dev.tenon.cli.volume;

import dev.tenon.cli.console.Sizes;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.NewVolume;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.host.Host;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes an image. */
@Command(
        name = "alloc",
        mixinStandardHelpOptions = true,
        description = "Allocates a new image and prints its volume id.",
        footer = {"", "Example: tenon volume alloc fast --vmid 100 --size 32G --format qcow2"})
final class AllocCommand extends HostCommand {
    @Parameters(paramLabel = "STORAGE", description = "the storage")
    @SuppressWarnings("NullAway.Init")
    private StorageId storage;

    @Option(names = "--vmid", paramLabel = "N", required = true, description = "the guest that gets it")
    @SuppressWarnings("NullAway.Init")
    private Vmid vmid;

    @Option(names = "--size", paramLabel = "SIZE", required = true, description = Sizes.HELP)
    @SuppressWarnings("NullAway.Init")
    private ByteSize size;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "raw, qcow2, vmdk or subvol (default: the storage's own)")
    private @Nullable Format format;

    @Option(names = "--name", paramLabel = "NAME", description = "its name (default: the next free one)")
    private @Nullable String name;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        refuse(NewVolume.wrong(vmid, name));
        boolean isDirectory = format == Format.Image.SUBVOL;
        if (size.bytes() == 0 && !isDirectory) {
            throw wrongUsage("an image of 0 bytes is of no use to a guest; give --size");
        }
        tellMade(host.of(storage).allocImage(storage, vmid, format, name, size), json);
    }
}
