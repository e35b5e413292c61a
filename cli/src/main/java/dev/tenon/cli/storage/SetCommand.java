package dev.tenon.cli.storage;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Changes the configuration of a storage. */
@Command(
        name = "set",
        mixinStandardHelpOptions = true,
        customSynopsis = "tenon storage set NAME [--PROPERTY VALUE]... [--delete PROPERTY,...] [OPTION]...",
        description = {
            "Changes properties of a storage. What is fixed cannot be changed; 'tenon storage add TYPE --help' tells"
                    + " which are. A secret such as --password without a value is asked for, or read from standard"
                    + " input.",
            ""
        },
        footer = {"", "Example: tenon storage set fast --content images,iso,backup --delete nodes"})
final class SetCommand extends PropertiesCommand {
    @Option(names = "--delete", paramLabel = "PROPERTY", split = ",", description = "properties to delete")
    private Set<String> deleted = new LinkedHashSet<>();

    @Option(
            names = "--digest",
            paramLabel = "SHA1",
            description = "only if the file still has this digest, which 'tenon storage list --json' prints")
    private @Nullable String digest;

    @Override
    protected void run(Host host) throws IOException {
        Given given = given();
        if (given.names().size() != 1) {
            throw wrongUsage("one storage is changed, by its NAME, for instance: tenon storage set fast --disable 1");
        }
        if (given.properties().isEmpty() && deleted.isEmpty()) {
            throw wrongUsage("nothing to change; give --PROPERTY VALUE or --delete PROPERTY");
        }
        StorageId id = id(given.names().getFirst());
        host.of(id);
        Storage storage = host.configuration().current().get(id);
        StoragePlugin plugin = Objects.requireNonNull(host.type(storage.config().type()));
        Map<String, String> values =
                values(new TypeProperties(plugin, host.types().values()), given);
        print(host.configuration().set(id, values, deleted, digest));
    }
}
