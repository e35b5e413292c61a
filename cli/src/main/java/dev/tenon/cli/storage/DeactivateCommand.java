package dev.tenon.cli.storage;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.spi.StorageId;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "deactivate",
        mixinStandardHelpOptions = true,
        description = "Undoes the activation of a storage on this node, as far as its type does that.",
        footer = {"", "Example: tenon storage deactivate fast"})
final class DeactivateCommand extends HostCommand {
    @Parameters(paramLabel = "NAME", description = "the storage")
    @SuppressWarnings("NullAway.Init")
    private StorageId storage;

    @Override
    protected void run(Host host) throws IOException {
        host.of(storage).deactivateStorage(storage);
    }
}
