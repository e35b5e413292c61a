package dev.tenon.cli.storage;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.Shown;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Vmid;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Removes old backups. */
@Command(
        name = "prune",
        mixinStandardHelpOptions = true,
        description = "Removes the backups that need not be kept, and lists what happened to each. Protected ones and"
                + " those whose names tell no time stay.",
        footer = {"", "Example: tenon storage prune archive --keep keep-last=3,keep-weekly=4 --dry-run"})
public class PruneCommand extends HostCommand {
    private static final Set<String> RULES =
            Set.of("keep-all", "keep-last", "keep-hourly", "keep-daily", "keep-weekly", "keep-monthly", "keep-yearly");
    private static final Map<String, String> STYLES = Map.of("remove", "31", "keep", "32");

    @Parameters(paramLabel = "NAME", description = "the storage")
    @SuppressWarnings("NullAway.Init")
    private StorageId storage;

    @Option(
            names = "--keep",
            paramLabel = "RULE=COUNT",
            split = ",",
            description = "what to keep: keep-last, keep-hourly, keep-daily, keep-weekly, keep-monthly, keep-yearly,"
                    + " or keep-all=1 (default: the storage's prune-backups)")
    private Map<String, Long> keep = new LinkedHashMap<>();

    @Option(names = "--vmid", paramLabel = "N", description = "only the backups of this guest")
    private @Nullable Vmid vmid;

    @Option(names = "--guest-type", paramLabel = "TYPE", description = "only the backups of this kind: qemu or lxc")
    private @Nullable String guestType;

    @Option(names = "--dry-run", description = "only show what would be removed")
    private boolean dryRun;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected final void run(Host host) throws IOException {
        for (String rule : keep.keySet()) {
            if (!RULES.contains(rule)) {
                throw wrongUsage("'" + rule + "' is not a retention rule; there are "
                        + String.join(", ", RULES.stream().sorted().toList()));
            }
        }
        if (guestType != null && !Set.of("qemu", "lxc").contains(guestType)) {
            throw wrongUsage("the kind of guest '" + guestType + "' is neither qemu nor lxc");
        }
        Pruned pruned = host.of(storage)
                .pruneBackups(
                        storage,
                        keep.isEmpty() ? null : new Retention(keep),
                        new BackupSelection(vmid, guestType),
                        dryRun,
                        this::tell);
        if (json.isGiven()) {
            Json.print(out(), pruned.marks().stream().map(PruneCommand::json).toList());
            return;
        }
        Table table = new Table().text("VOLUME").text("CREATED").number("GUEST").text("MARK", STYLES);
        pruned.marks()
                .forEach(mark -> table.row(
                        mark.volid().toString(), Shown.time(mark.ctime()), Shown.text(mark.owner()), mark.mark()));
        table.print(out(), terminal());
    }

    /** What went well is in the table. */
    private void tell(TaskLog.Level level, String line) {
        if (level != TaskLog.Level.INFO) {
            err().println("tenon: " + line);
        }
    }

    private static Map<String, @Nullable Object> json(PruneMark mark) {
        return Json.object(
                "volid", mark.volid(),
                "ctime", mark.ctime(),
                "type", mark.type(),
                "vmid", mark.owner() == null ? null : mark.owner().value(),
                "mark", mark.mark());
    }
}
