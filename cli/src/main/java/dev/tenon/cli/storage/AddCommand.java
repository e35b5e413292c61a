package dev.tenon.cli.storage;

import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Adds a storage to the configuration. */
@Command(
        name = "add",
        customSynopsis = "tenon storage add TYPE NAME [--PROPERTY VALUE]... [OPTION]...",
        description = {
            "Adds a storage to the configuration once it is usable on this node. If that fails, nothing is"
                    + " written.",
            "",
            "A property is given as --PROPERTY VALUE; a secret such as --password without a value is asked for, or"
                    + " read from standard input. 'tenon storage add TYPE --help' lists the properties of a type.",
            ""
        },
        footer = {"", "Example: tenon storage add dir fast --path /srv/fast --content images,iso"})
final class AddCommand extends PropertiesCommand {
    @Option(
            names = {"-h", "--help"},
            description = "show this help, and the properties of the type if one is given")
    private boolean help;

    @Override
    protected boolean makesConfiguration() {
        return true;
    }

    @Override
    protected boolean isReading() {
        return help;
    }

    @Override
    protected void run(Host host) throws IOException {
        Given given = given();
        List<String> names = given.names();
        if (help) {
            help(host, names);
            return;
        }
        if (names.size() != 2) {
            throw wrongUsage("a storage is added with its TYPE and its NAME, for instance: tenon storage add dir fast"
                    + " --path /srv/fast");
        }
        StoragePlugin plugin = plugin(host, names.getFirst());
        StorageId id = id(names.getLast());
        Map<String, String> values =
                values(new TypeProperties(plugin, host.types().values()), given);
        StorageService service = host.of();
        print(host.configuration().add(id, plugin.type(), values, service::tryStorage));
    }

    private void help(Host host, List<String> names) throws IOException {
        String properties = names.isEmpty()
                ? ""
                : "\n"
                        + new TypeProperties(
                                        plugin(host, names.getFirst()),
                                        host.types().values())
                                .help();
        line().usage(out());
        out().print(properties);
    }

    private StoragePlugin plugin(Host host, String type) throws IOException {
        StoragePlugin plugin = host.type(type);
        if (plugin == null) {
            throw wrongUsage("there is no storage type '" + type + "'; there are "
                    + String.join(", ", host.types().keySet()) + ", and those of plugins named with --plugin");
        }
        return plugin;
    }
}
