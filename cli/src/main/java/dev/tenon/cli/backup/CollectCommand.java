package dev.tenon.cli.backup;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.repository.Collector;
import dev.tenon.core.backup.repository.Repository;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Frees the space of what no snapshot needs. */
@Command(
        name = "gc",
        mixinStandardHelpOptions = true,
        description =
                "Frees the space of what no snapshot of a repository needs. Backups and restores go on meanwhile;"
                        + " what they may need is freed by a later call. 'tenon backup forget' and 'tenon storage prune' do it, too.",
        footer = {"", "Example: tenon backup gc keep"})
final class CollectCommand extends RepositoryCommand {
    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Repository repository) throws IOException {
        Collector.Collected collected = repository.collect();
        if (json.isGiven()) {
            Json.print(
                    out(),
                    Json.object(
                            "packs", collected.packs(),
                            "freed", collected.freed(),
                            "waiting", collected.waiting()));
            return;
        }
        out().printf("%s are free; %d packs went%n", collected.freed().shown(), collected.packs());
        if (collected.waiting() > 0) {
            out().printf("%d packs wait for backups and restores that run%n", collected.waiting());
        }
    }
}
