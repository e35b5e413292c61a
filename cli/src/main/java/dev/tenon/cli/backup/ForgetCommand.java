package dev.tenon.cli.backup;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Removes a backup. */
@Command(
        name = "forget",
        mixinStandardHelpOptions = true,
        description = "Removes a backup. One that is protected stays.",
        footer = {"", "Example: tenon backup forget vault:backup/vm/100/2026-01-02T03:04:05Z"})
final class ForgetCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the backup")
    @SuppressWarnings("NullAway.Init")
    private VolumeId archive;

    @Override
    protected void run(Host host) throws IOException {
        StorageService service = host.of(archive.storage());
        service.activateStorage(archive.storage());
        if (service.parseVolname(archive).type() != ContentType.BACKUP) {
            throw wrongUsage("'" + archive + "' is no backup; remove other volumes with 'tenon volume free'");
        }
        service.freeImage(archive);
    }
}
