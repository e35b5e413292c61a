package dev.tenon.cli.compare;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.bridge.serve.DaemonClient;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.SocketOption;
import dev.tenon.core.route.Bounds;
import dev.tenon.core.route.Route;
import dev.tenon.core.route.RouteFile;
import dev.tenon.core.route.Routes;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows and changes which of two plugins makes which calls. */
@Command(
        name = "route",
        mixinStandardHelpOptions = true,
        description = "Tells which plugin of a daemon with --shadow makes which calls, or has them take another way.",
        footer = {
            "",
            "Example: tenon route nasplugin fallback --storage nas --reason 'two weeks without a difference'",
            "WAY is old, shadow (the old plugin answers, the new one is compared), fallback (the new plugin answers; the old"
                    + " one after any error of a call that reads, and of a change that was not started) or new.",
            "Calls of a storage go back to the old plugin by themselves when --bad of the last --of calls were bad: failed"
                    + " where the old plugin does not, or read for longer than --late."
        })
public final class RouteCommand implements Callable<Integer> {
    private static final long MILLIS = 1000;

    @Parameters(index = "0", arity = "0..1", paramLabel = "TYPE", description = "a storage type that has a new plugin")
    private @Nullable String type;

    @Parameters(index = "1", arity = "0..1", paramLabel = "WAY", description = "old, shadow, fallback or new")
    private @Nullable String way;

    @Option(names = "--storage", paramLabel = "STORAGE", description = "only calls of this storage")
    private @Nullable String storage;

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            description = "only calls of this method of Java's StoragePlugin, such as listImages")
    private @Nullable String method;

    @Option(names = "--reason", paramLabel = "TEXT", description = "why, for the log; needed with WAY")
    private @Nullable String reason;

    @Option(names = "--bad", paramLabel = "N", description = "how many bad calls are too many (5 at first)")
    private @Nullable Integer bad;

    @Option(names = "--of", paramLabel = "N", description = "of how many last calls of a storage (100 at first)")
    private @Nullable Integer of;

    @Option(names = "--late", paramLabel = "SECONDS", description = "how long a call that reads may take (10 at first)")
    private @Nullable Integer late;

    @Mixin
    private SocketOption socket = new SocketOption();

    @Mixin
    private JsonOption json = new JsonOption();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (type == null && (bad != null || of != null || late != null)) {
            throw new ParameterException(spec.commandLine(), "bounds are those of a storage type: name it");
        }
        if (way == null && (storage != null || method != null || reason != null)) {
            throw new ParameterException(
                    spec.commandLine(), "--storage, --method and --reason are for a new way: name it after the type");
        }
        if (way != null && reason == null) {
            throw new ParameterException(spec.commandLine(), "--reason is needed: it says in the log why");
        }
        String answer = DaemonClient.ask(socket.path(), RouteRequest.NAME, words());
        PrintWriter out = spec.commandLine().getOut();
        Map<String, Object> types = JSON.std.mapFrom(answer);
        if (json.isGiven()) {
            Json.print(out, types);
        } else {
            show(types, out);
        }
        out.flush();
        return 0;
    }

    private Map<String, String> words() {
        Map<String, String> words = new TreeMap<>();
        put(words, RouteRequest.TYPE, type);
        put(words, RouteRequest.WAY, way);
        put(words, RouteRequest.STORAGE, storage);
        put(words, RouteRequest.METHOD, method);
        put(words, RouteRequest.REASON, reason);
        put(words, RouteRequest.BAD, bad);
        put(words, RouteRequest.OF, of);
        put(words, RouteRequest.LATE, late == null ? null : late * MILLIS);
        return words;
    }

    private static void put(Map<String, String> words, String name, @Nullable Object value) {
        if (value != null) {
            words.put(name, value.toString());
        }
    }

    private static void show(Map<String, Object> types, PrintWriter out) throws IOException {
        if (types.isEmpty()) {
            out.println("No storage type has a new plugin: start the daemon with --shadow TYPE=P.");
            return;
        }
        Table table = new Table()
                .text("TYPE")
                .text("STORAGE")
                .text("METHOD")
                .text("WAY")
                .text("SINCE")
                .text("BY")
                .text("WHY");
        for (Map.Entry<String, Object> entry : types.entrySet()) {
            Routes routes = RouteFile.parse(JSON.std.asString(entry.getValue()));
            for (Route route : routes.routes()) {
                table.row(
                        entry.getKey(),
                        route.storage() == null ? "all" : route.storage().value(),
                        route.method() == null ? "all" : route.method(),
                        route.way().word(),
                        route.since().toString(),
                        route.isByHand() ? "hand" : "bounds",
                        route.reason());
            }
            table.row(entry.getKey(), "others", "others", "shadow", null, null, null);
        }
        table.print(out, Terminal.ofOutput());
        out.println();
        for (Map.Entry<String, Object> entry : types.entrySet()) {
            Bounds bounds = RouteFile.parse(JSON.std.asString(entry.getValue())).bounds();
            out.printf(
                    "Storages of type '%s' go back to it from '%s' after %d bad calls of the last %d; what reads is late"
                            + " after %d ms.%n",
                    entry.getKey(),
                    entry.getValue() instanceof Map<?, ?> map ? map.get("new") : "",
                    bounds.bad(),
                    bounds.of(),
                    bounds.late().toMillis());
        }
    }
}
