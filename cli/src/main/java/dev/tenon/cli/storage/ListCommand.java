package dev.tenon.cli.storage;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.Shown;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageId;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is configured; no storage is asked for anything. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = "Lists the configured storages without asking them for anything.",
        footer = {"", "Example: tenon storage list --json"})
final class ListCommand extends HostCommand {
    @Parameters(paramLabel = "NAME", arity = "0..1", description = "only this storage")
    private @Nullable StorageId only;

    @Option(names = "--names", description = "print only the names, one per line")
    private boolean names;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        List<Storage> storages = storages(host);
        if (names) {
            storages.forEach(storage -> out().println(storage.id()));
        } else if (json.isGiven()) {
            String digest = host.configuration().current().digest();
            Json.print(
                    out(),
                    storages.stream().map(storage -> json(storage, digest)).toList());
        } else {
            Table table = new Table()
                    .text("NAME")
                    .text("TYPE")
                    .text("ENABLED")
                    .text("SHARED")
                    .text("CONTENT")
                    .text("PATH");
            for (Storage storage : storages) {
                StorageConfig config = storage.config();
                table.row(
                        storage.id().value(),
                        config.type(),
                        config.flag("disable", false) ? "no" : "yes",
                        config.flag("shared", false) ? "yes" : "no",
                        Shown.content(config.content()),
                        config.text("path").orElse(null));
            }
            table.print(out(), terminal());
        }
        if (only == null) {
            host.problems().forEach(problem -> err().println("tenon: " + problem));
        }
    }

    private List<Storage> storages(Host host) throws IOException {
        if (only == null) {
            host.all();
            return host.configuration().current().all();
        }
        host.of(only);
        return List.of(host.configuration().current().get(only));
    }

    private static Map<String, @Nullable Object> json(Storage storage, String digest) {
        StorageConfig config = storage.config();
        return Json.object(
                "storage", storage.id(),
                "type", config.type(),
                "enabled", !config.flag("disable", false),
                "shared", config.flag("shared", false),
                "content", config.content().stream().map(ContentType::word).sorted(),
                "properties", config.properties(),
                "digest", digest);
    }
}
