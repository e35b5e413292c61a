package dev.tenon.cli.libvirt;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import dev.tenon.libvirt.VolumeXml;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** A volume as libvirt tells it. */
@Command(
        name = "vol-dumpxml",
        mixinStandardHelpOptions = true,
        description = "Prints a volume as libvirt describes one: name, sizes, path, format and backing image.",
        footer = {"", "Example: tenon libvirt vol-dumpxml fast:100/vm-100-disk-0.qcow2"})
final class VolDumpxmlCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        StorageService service = host.of(volume.storage());
        service.activateStorage(volume.storage());
        out().print(VolumeXml.write(
                volume.volume(), service.path(volume, null).path(), service.volumeSizeInfo(volume, null)));
    }
}
