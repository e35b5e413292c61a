package dev.tenon.cli.backup;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.Statistics;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What a repository holds, and what it saved. */
@Command(
        name = "stats",
        mixinStandardHelpOptions = true,
        description = "Shows for each guest what its snapshots would be restored to (DISKS), what of that is not zeroes"
                + " (DATA), and what it takes in the repository (STORED); guests may share that.",
        footer = {"", "Example: tenon backup stats keep"})
final class StatsCommand extends RepositoryCommand {
    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Repository repository) throws IOException {
        Statistics statistics = repository.statistics();
        if (json.isGiven()) {
            Json.print(
                    out(),
                    Json.object(
                            "packs", statistics.packs(),
                            "chunks", statistics.chunks(),
                            "stored", statistics.stored(),
                            "needed", statistics.needed(),
                            "guests",
                                    statistics.guests().stream()
                                            .map(StatsCommand::json)
                                            .toList()));
            return;
        }
        Table table = new Table()
                .text("GUEST")
                .number("SNAPSHOTS")
                .number("DISKS")
                .number("DATA")
                .number("STORED");
        statistics
                .guests()
                .forEach(guest -> table.row(
                        guest.namespace() + "/" + guest.type().word() + "/" + guest.guest(),
                        Integer.toString(guest.snapshots()),
                        guest.disks().shown(),
                        guest.data().shown(),
                        guest.stored().shown()));
        table.print(out(), terminal());
        out().printf(
                        "%d chunks in %d packs take %s, of which %s are needed%n",
                        statistics.chunks(),
                        statistics.packs(),
                        statistics.stored().shown(),
                        statistics.needed().shown());
    }

    private static Map<String, @Nullable Object> json(Statistics.OfGuest guest) {
        return Json.object(
                "namespace", guest.namespace(),
                "type", guest.type().word(),
                "vmid", guest.guest().value(),
                "snapshots", guest.snapshots(),
                "disks", guest.disks(),
                "data", guest.data(),
                "stored", guest.stored());
    }
}
