package dev.tenon.cli.compare;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.bridge.serve.DaemonClient;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.SocketOption;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Has a daemon write down calls and their answers. */
@Command(
        name = "record",
        mixinStandardHelpOptions = true,
        description =
                "Has a daemon with --recordings write down for a time what it is asked and what is answered, for tenon"
                        + " replay; or tells which recordings there are, ends the one that is made, or erases one.",
        footer = {
            "",
            "Example: tenon record nasplugin --storage nas --seconds 3600",
            "Secrets are left out. The file is in the daemon's --recordings, and erased after --days. Callers do not wait:"
                    + " what cannot be written in time is left out and counted."
        })
public final class RecordCommand implements Callable<Integer> {
    @Parameters(arity = "0..1", paramLabel = "TYPE", description = "only calls of this storage type")
    private @Nullable String type;

    @Option(names = "--storage", paramLabel = "STORAGE", description = "only calls of this storage")
    private @Nullable String storage;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "600",
            description = "for how long (default: ${DEFAULT-VALUE})")
    private int seconds = 600;

    @Option(
            names = "--most",
            paramLabel = "MIB",
            defaultValue = "64",
            description = "the size in MiB at which it ends early (default: ${DEFAULT-VALUE})")
    private int most = 64;

    @Option(
            names = "--days",
            paramLabel = "N",
            defaultValue = "14",
            description = "how long it is kept (default: ${DEFAULT-VALUE})")
    private int days = 14;

    @Option(
            names = "--map-names",
            description = "write stand-ins for the names of storages, for what their properties name, for names of ISO"
                    + " images, templates and snippets, and for notes")
    private boolean mapsNames;

    @ArgGroup
    private Instead instead = new Instead();

    @Mixin
    private SocketOption socket = new SocketOption();

    @Mixin
    private JsonOption json = new JsonOption();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    /** What is done instead of beginning. */
    static final class Instead {
        @Option(names = "--list", description = "only tell which recordings there are")
        private boolean isList;

        @Option(names = "--stop", description = "end the recording that is being made")
        private boolean isStop;

        @Option(names = "--erase", paramLabel = "FILE", description = "erase this one, by the name of its file")
        private @Nullable String erased;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Map<String, Object> answer = JSON.std.mapFrom(DaemonClient.ask(socket.path(), RecordRequest.NAME, words()));
        PrintWriter out = spec.commandLine().getOut();
        if (json.isGiven()) {
            Json.print(out, answer);
        } else {
            show(answer.get("recordings") instanceof List<?> all ? all : List.of(), out);
        }
        out.flush();
        return 0;
    }

    private Map<String, String> words() {
        Map<String, String> words = new TreeMap<>();
        if (instead.isList) {
            words.put(RecordRequest.DO, RecordRequest.LIST);
        } else if (instead.isStop) {
            words.put(RecordRequest.DO, RecordRequest.STOP);
        } else if (instead.erased != null) {
            words.put(RecordRequest.DO, RecordRequest.ERASE);
            words.put(RecordRequest.FILE, instead.erased);
        } else {
            words.put(RecordRequest.DO, RecordRequest.START);
            words.put(RecordRequest.SECONDS, Integer.toString(seconds));
            words.put(RecordRequest.MIB, Integer.toString(most));
            words.put(RecordRequest.DAYS, Integer.toString(days));
            if (type != null) {
                words.put(RecordRequest.TYPE, type);
            }
            if (storage != null) {
                words.put(RecordRequest.STORAGE, storage);
            }
            if (mapsNames) {
                words.put(RecordRequest.MAP_NAMES, "");
            }
        }
        return words;
    }

    private static void show(List<?> recordings, PrintWriter out) {
        if (recordings.isEmpty()) {
            out.println("There are no recordings.");
            return;
        }
        Table table = new Table()
                .text("FILE")
                .text("BEGIN")
                .text("STATE")
                .number("CALLS")
                .number("DROPPED")
                .number("BYTES")
                .text("NAMES")
                .text("EXPIRES");
        for (Object entry : recordings) {
            Map<?, ?> recording = (Map<?, ?>) entry;
            table.row(
                    text(recording, "file"),
                    text(recording, "begin"),
                    text(recording, "state"),
                    text(recording, "calls"),
                    text(recording, "dropped"),
                    text(recording, "bytes"),
                    Boolean.TRUE.equals(recording.get("names_mapped")) ? "mapped" : "as they are",
                    text(recording, "expires"));
        }
        table.print(out, Terminal.ofOutput());
    }

    private static @Nullable String text(Map<?, ?> map, String key) {
        Object value = map.get(key);
        return value == null ? null : value.toString();
    }
}
