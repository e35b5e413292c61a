package dev.tenon.cli.volume;

import dev.tenon.cli.console.Sizes;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Makes a volume larger. */
@Command(
        name = "resize",
        mixinStandardHelpOptions = true,
        description =
                "Makes a volume larger. It is never made smaller: what is at its end would be lost. No guest may be running on"
                        + " the volume.",
        footer = {"", "Example: tenon volume resize fast:100/vm-100-disk-0.raw +8G"})
final class ResizeCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Parameters(paramLabel = "[+]SIZE", description = "the new size, or with + the growth: " + Sizes.HELP)
    private String size = "";

    @Override
    protected void run(Host host) throws IOException {
        if (size.matches("-[0-9].*")) {
            throw wrongUsage("size '" + size
                    + "' would make the volume smaller, which is never done: what is at its end" + " would be lost");
        } else if (size.startsWith("-")) {
            throw wrongUsage("Unknown option: '" + size + "'");
        }
        boolean isGrowth = size.startsWith("+");
        ByteSize given = given(isGrowth ? size.substring(1) : size);
        GuestVolume.change(host, volume, service -> resize(service, given, isGrowth));
    }

    private ByteSize given(String text) {
        try {
            return Sizes.parse(text);
        } catch (IllegalArgumentException e) {
            throw wrongUsage(e);
        }
    }

    private void resize(StorageService service, ByteSize given, boolean isGrowth) {
        ByteSize current = service.volumeSizeInfo(volume, null).size();
        if (current == null) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "the size of volume '" + volume + "' is not known, so it is not changed");
        }
        if (isGrowth && given.bytes() > Long.MAX_VALUE - current.bytes()) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "size '" + size + "' is larger than any storage");
        }
        ByteSize wanted = isGrowth ? ByteSize.ofBytes(current.bytes() + given.bytes()) : given;
        if (wanted.compareTo(current) < 0) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "unable to shrink volume '" + volume + "' from " + current.bytes() + " to " + wanted.bytes()
                            + " bytes: what is at its end would be lost");
        }
        service.resizeVolume(volume, wanted, false, null);
    }
}
