package dev.tenon.cli.storage;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.spi.StorageId;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "activate",
        mixinStandardHelpOptions = true,
        description = "Makes a storage usable on this node: mounts it, makes its directories, whatever its type needs.",
        footer = {"", "Example: tenon storage activate fast"})
final class ActivateCommand extends HostCommand {
    @Parameters(paramLabel = "NAME", description = "the storage")
    @SuppressWarnings("NullAway.Init")
    private StorageId storage;

    @Override
    protected void run(Host host) throws IOException {
        host.of(storage).activateStorage(storage);
    }
}
