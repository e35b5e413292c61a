package dev.tenon.cli.storage;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.spi.StorageId;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Takes a storage out of the configuration. */
@Command(
        name = "remove",
        mixinStandardHelpOptions = true,
        description = "Removes a storage from the configuration. What is on it stays there, and it stays active.",
        footer = {"", "Example: tenon storage remove fast"})
final class RemoveCommand extends HostCommand {
    @Parameters(paramLabel = "NAME", description = "the storage")
    @SuppressWarnings("NullAway.Init")
    private StorageId storage;

    @Override
    protected void run(Host host) throws IOException {
        host.of(storage);
        host.configuration().remove(storage);
    }
}
