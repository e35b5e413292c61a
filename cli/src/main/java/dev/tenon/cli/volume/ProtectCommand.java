package dev.tenon.cli.volume;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Keeps a backup from being removed. */
@Command(
        name = "protect",
        mixinStandardHelpOptions = true,
        description = "Protects a backup from removal, or ends the protection.",
        footer = {"", "Example: tenon volume protect archive:backup/vzdump-qemu-100-2026_01_02-03_04_05.vma.zst"})
final class ProtectCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Option(names = "--off", description = "end the protection")
    private boolean off;

    @Override
    protected void run(Host host) throws IOException {
        StorageService service = host.of(volume.storage());
        service.activateStorage(volume.storage());
        service.updateAttribute(volume, VolumeAttribute.PROTECTED, off ? "0" : "1");
    }
}
