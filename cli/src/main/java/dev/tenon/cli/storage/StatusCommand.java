package dev.tenon.cli.storage;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.LimitOption;
import dev.tenon.cli.host.Shown;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.service.StorageSummary;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The status of storages. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = "Asks all storages for their status, at the same time, after making them usable on this node. A"
                + " storage that does not answer is inactive, and the reason is on standard error.",
        footer = {"", "Example: tenon storage status --content images"})
final class StatusCommand extends HostCommand {
    private static final Map<String, String> STYLES = Map.of("active", "32", "inactive", "31", "disabled", "2");

    @Parameters(paramLabel = "NAME", arity = "0..*", description = "only these storages")
    private List<StorageId> only = new ArrayList<>();

    @Option(
            names = "--content",
            paramLabel = "TYPE",
            split = ",",
            description = "only storages that are enabled and may hold one of these: images, rootdir, iso, vztmpl,"
                    + " backup, snippets, import")
    private List<ContentType> content = new ArrayList<>();

    @Mixin
    private LimitOption limit = new LimitOption();

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        if (limit.wrong().isPresent()) {
            throw wrongUsage(limit.wrong().get());
        }
        List<StorageSummary> summaries = summaries(host);
        if (json.isGiven()) {
            Json.print(out(), summaries.stream().map(StatusCommand::json).toList());
        } else {
            print(summaries);
        }
        out().flush();
        for (StorageSummary summary : summaries) {
            if (summary.problem() != null) {
                err().println("tenon: storage '" + summary.id() + "' is inactive: " + summary.problem());
            }
        }
        if (only.isEmpty()) {
            host.problems().forEach(problem -> err().println("tenon: " + problem));
        }
    }

    private List<StorageSummary> summaries(Host host) throws IOException {
        Set<ContentType> wanted = EnumSet.noneOf(ContentType.class);
        wanted.addAll(content);
        if (only.isEmpty()) {
            return host.all().status(wanted, limit.of(StorageService.STATUS_LIMIT));
        }
        StorageService service = host.of(only.toArray(StorageId[]::new));
        return service.statusOf(only, limit.of(StorageService.STATUS_LIMIT)).stream()
                .filter(summary -> wanted.isEmpty()
                        || (summary.isEnabled() && summary.content().stream().anyMatch(wanted::contains)))
                .toList();
    }

    private void print(List<StorageSummary> summaries) {
        Table table = new Table()
                .text("NAME")
                .text("TYPE")
                .text("STATUS", STYLES)
                .number("TOTAL")
                .number("USED")
                .number("AVAILABLE")
                .number("USE");
        for (StorageSummary summary : summaries) {
            if (summary.status() instanceof StorageStatus.Active active) {
                table.row(
                        summary.id().value(),
                        summary.type(),
                        state(summary),
                        Shown.size(active.total()),
                        Shown.size(active.used()),
                        Shown.size(active.available()),
                        percent(active));
            } else {
                table.row(summary.id().value(), summary.type(), state(summary), null, null, null, null);
            }
        }
        table.print(out(), terminal());
    }

    private static String state(StorageSummary summary) {
        if (!summary.isEnabled()) {
            return "disabled";
        }
        return summary.status() instanceof StorageStatus.Active ? "active" : "inactive";
    }

    private static @Nullable String percent(StorageStatus.Active active) {
        long total = active.total().bytes();
        return total == 0
                ? null
                : String.format(Locale.ROOT, "%.2f %%", 100.0 * active.used().bytes() / total);
    }

    private static Map<String, @Nullable Object> json(StorageSummary summary) {
        StorageStatus.Active active = summary.status() instanceof StorageStatus.Active known ? known : null;
        return Json.object(
                "storage", summary.id(),
                "type", summary.type(),
                "status", state(summary),
                "total", active == null ? null : active.total(),
                "used", active == null ? null : active.used(),
                "available", active == null ? null : active.available(),
                "shared", summary.isShared(),
                "content", summary.content().stream().map(ContentType::word).sorted(),
                "problem", summary.problem());
    }
}
