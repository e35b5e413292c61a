package dev.tenon.cli.compare;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.bridge.serve.DaemonClient;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.SocketOption;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Has a daemon report on what its shadows say by now. */
@Command(
        name = "shadow",
        mixinStandardHelpOptions = true,
        description =
                "Has a daemon with --shadow write its reports on what was compared by now, and tells what they say.",
        footer = {
            "",
            "Example: tenon shadow nasplugin",
            "The reports are where the daemon's --shadow-report says. It goes on comparing."
        })
public final class ShadowCommand implements Callable<Integer> {
    static final String REQUEST = "shadow";

    @Parameters(
            arity = "0..1",
            paramLabel = "TYPE",
            description = "a storage type that has a new plugin; all of them without it")
    private @Nullable String type;

    @Mixin
    private SocketOption socket = new SocketOption();

    @Mixin
    private JsonOption json = new JsonOption();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, InterruptedException {
        Map<String, Object> types = JSON.std.mapFrom(
                DaemonClient.ask(socket.path(), REQUEST, type == null ? Map.of() : Map.of(RouteRequest.TYPE, type)));
        PrintWriter out = spec.commandLine().getOut();
        if (json.isGiven()) {
            Json.print(out, types);
        } else if (types.isEmpty()) {
            out.println("No storage type has a new plugin: start the daemon with --shadow TYPE=P.");
        } else {
            types.forEach((name, said) -> show(name, (Map<?, ?>) said, out));
        }
        out.flush();
        return 0;
    }

    private static void show(String type, Map<?, ?> said, PrintWriter out) {
        String reasons = said.get("reasons") instanceof List<?> list
                ? list.stream().map(String::valueOf).collect(Collectors.joining(" "))
                : "";
        out.printf(
                "%s, and %s beside it: %s calls compared: %s equal, %s noise, %s explained, %s differ%n",
                type,
                said.get("new"),
                said.get("calls"),
                said.get("equal"),
                said.get("noise"),
                said.get("explained"),
                said.get("unexplained"));
        out.println(said.get("verdict") + ": " + reasons);
        out.println("The report is in '" + said.get("report") + "'.");
    }
}
