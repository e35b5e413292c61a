package dev.tenon.cli.libvirt;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.host.Host;
import dev.tenon.libvirt.PoolXml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** A storage as a pool. */
@Command(
        name = "pool-dumpxml",
        mixinStandardHelpOptions = true,
        description = {
            "Prints a storage as a pool of libvirt, with its sizes if it is active. The properties that a pool cannot"
                    + " say are named on standard error."
        },
        footer = {"", "Example: tenon libvirt pool-dumpxml fast > pool.xml"})
final class PoolDumpxmlCommand extends HostCommand {
    private static final Path INITIATOR = Path.of("/etc/iscsi/initiatorname.iscsi");
    private static final Path KEYRINGS = Path.of("/etc/pve/priv/ceph");
    private static final String NAME = "InitiatorName=";

    @Parameters(paramLabel = "STORAGE", description = "the storage")
    @SuppressWarnings("NullAway.Init")
    private StorageId storage;

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        var status = host.of(storage).status(storage).status();
        Storage configured = PoolXml.withUser(host.configuration().current().get(storage), KEYRINGS);
        String pool = PoolXml.write(configured, status, initiator());
        Collection<String> unsaid = PoolXml.unsaid(configured);
        if (!unsaid.isEmpty()) {
            err().println("the pool does not say the storage's " + String.join(", ", unsaid));
        }
        if (configured.config().type().equals("rbd")
                && configured.config().text("username").isEmpty()) {
            err().println("the pool says no user, since storage '" + storage
                    + "' has neither a 'username' nor a keyring '"
                    + KEYRINGS.resolve(storage + ".keyring") + "'; without one only a cluster that asks for none is"
                    + " reached");
        }
        out().print(pool);
    }

    private static String initiator() throws IOException {
        try (Stream<String> lines = Files.lines(INITIATOR)) {
            return lines.filter(line -> line.startsWith(NAME))
                    .map(line -> line.substring(NAME.length()).strip())
                    .findFirst()
                    .orElse("");
        } catch (NoSuchFileException e) {
            return "";
        }
    }
}
