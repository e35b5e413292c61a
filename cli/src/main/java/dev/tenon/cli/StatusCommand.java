package dev.tenon.cli;

import dev.tenon.bridge.serve.DaemonClient;
import dev.tenon.bridge.serve.Overview;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.SocketOption;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What the daemon does. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = "Tells what the daemon does: the processes of each Perl plugin, what each of them does and since"
                + " when, and the calls that are inside each storage or wait for it.",
        footer = {
            "",
            "Example: tenon status",
            "When one daemon has taken over from another, the one before is told below it until it has finished what it has"
                    + " begun.",
            "CALLS are those that take moments (short) and those that may last (long), which have a way into a storage of"
                    + " their own. LATE is how many have used up their time and still are inside.",
            "Exit status: 0 the daemon has answered, 1 it has not, 2 wrong usage."
        })
final class StatusCommand implements Callable<Integer> {
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration DAY = Duration.ofDays(1);

    @Mixin
    private SocketOption socket = new SocketOption();

    @Option(names = "--json", description = "print JSON, for machines: times in seconds, with a fraction")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, InterruptedException {
        Overview overview = DaemonClient.overview(socket.path());
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Json.print(out, json(overview));
        } else {
            print(overview, out);
        }
        out.flush();
        return 0;
    }

    private void print(Overview overview, PrintWriter out) {
        out.printf(
                "The daemon is process %d and has been listening at '%s' for %s.%n",
                overview.pid(), socket.path(), shown(overview.uptime()));
        printWhatItDoes(overview, out);
    }

    private void printBefore(Overview before, PrintWriter out) {
        out.println();
        out.printf(
                "The daemon before it, process %d, finishes what it has begun; for %s.%n",
                before.pid(), shown(before.draining() == null ? Duration.ZERO : before.draining()));
        printWhatItDoes(before, out);
    }

    private void printWhatItDoes(Overview overview, PrintWriter out) {
        Terminal terminal = Surroundings.of(spec).terminal();
        if (overview.plugins().isEmpty()) {
            out.println("It hosts no Perl plugin.");
        } else {
            out.println();
            plugins(overview).print(out, terminal);
        }
        if (overview.storages().isEmpty()) {
            out.println();
            out.println("No call is inside a storage.");
        } else {
            out.println();
            storages(overview).print(out, terminal);
        }
        overview.before().forEach(before -> printBefore(before, out));
    }

    private static Table plugins(Overview overview) {
        Table table = new Table().text("PLUGIN").number("PROCESS").number("FOR").text("DOES");
        for (Overview.Plugin plugin : overview.plugins()) {
            for (Overview.Member process : plugin.processes()) {
                table.row(plugin.type(), Long.toString(process.pid()), shown(process.since()), process.what());
            }
            if (plugin.waiting() > 0 || plugin.processes().isEmpty()) {
                table.row(plugin.type(), null, null, waiting(plugin));
            }
        }
        return table;
    }

    private static String waiting(Overview.Plugin plugin) {
        String calls = plugin.waiting() == 1 ? "1 call waits" : plugin.waiting() + " calls wait";
        return plugin.processes().isEmpty()
                ? "no process; one is started for the next call"
                : calls + " for one of at most " + plugin.most() + " processes";
    }

    private static Table storages(Overview overview) {
        Table table = new Table()
                .text("PLUGIN")
                .text("STORAGE")
                .text("CALLS")
                .number("INSIDE")
                .number("WAITING")
                .number("LATE")
                .number("OLDEST");
        for (Overview.Crowd crowd : overview.storages()) {
            table.row(
                    crowd.plugin(),
                    crowd.storage(),
                    crowd.areLong() ? "long" : "short",
                    Integer.toString(crowd.inside()),
                    Integer.toString(crowd.waiting()),
                    Integer.toString(crowd.late()),
                    shown(crowd.oldest()));
        }
        return table;
    }

    /** Two units at most. */
    static String shown(Duration time) {
        if (time.compareTo(MINUTE) < 0) {
            return time.toSeconds() + " s";
        } else if (time.compareTo(HOUR) < 0) {
            return time.toMinutes() + " min " + time.toSecondsPart() + " s";
        } else if (time.compareTo(DAY) < 0) {
            return time.toHours() + " h " + time.toMinutesPart() + " min";
        }
        return time.toDays() + " d " + time.toHoursPart() + " h";
    }

    private static double seconds(Duration time) {
        return time.toMillis() / 1000.0;
    }

    private Map<String, @Nullable Object> json(Overview overview) {
        return Json.object(
                "pid", overview.pid(),
                "socket", socket.path(),
                "uptime", seconds(overview.uptime()),
                "draining", overview.draining() == null ? null : seconds(overview.draining()),
                "plugins", overview.plugins().stream().map(StatusCommand::json),
                "storages", overview.storages().stream().map(StatusCommand::json),
                "before", overview.before().stream().map(this::json));
    }

    private static Map<String, @Nullable Object> json(Overview.Plugin plugin) {
        return Json.object(
                "type", plugin.type(),
                "file", plugin.file(),
                "most", plugin.most(),
                "waiting", plugin.waiting(),
                "processes",
                        plugin.processes().stream()
                                .map(process -> Json.object(
                                        "pid", process.pid(),
                                        "does", process.what(),
                                        "for", seconds(process.since()))));
    }

    private static Map<String, @Nullable Object> json(Overview.Crowd crowd) {
        return Json.object(
                "plugin", crowd.plugin(),
                "storage", crowd.storage(),
                "calls", crowd.areLong() ? "long" : "short",
                "inside", crowd.inside(),
                "waiting", crowd.waiting(),
                "late", crowd.late(),
                "oldest", seconds(crowd.oldest()));
    }
}
