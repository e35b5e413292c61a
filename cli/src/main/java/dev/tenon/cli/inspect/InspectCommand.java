package dev.tenon.cli.inspect;

import ch.qos.logback.classic.Level;
import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.cli.PluginOptions;
import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Logging;
import dev.tenon.host.Home;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What plugin files are, and what hosts of every level say to them. */
@Command(
        name = "inspect",
        mixinStandardHelpOptions = true,
        description =
                "Describes Perl plugins without changing or hosting them: what they implement and declare, which modules"
                        + " are missing, and whether PVE hosts of API level 9 to 16 load them, warn or reject them. Several"
                        + " files are taken as neighbours on one host, and collisions are reported.",
        footer = {
            "",
            "Example: tenon inspect --json /usr/share/perl5/PVE/Storage/Custom/NasPlugin.pm",
            "With --json one file is one object, several files are an array of them.",
            "--host reads the PVE of this machine and lists what this Tenon does not know.",
            "Exit status: 0 every file loads on the newest level, with or without a warning, and with --host everything is"
                    + " known; 1 if not, 2 wrong usage."
        })
public final class InspectCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", arity = "0..*", description = "a plugin file")
    private List<Path> files = new ArrayList<>();

    @Option(names = "--json", description = "print JSON, for machines")
    private boolean json;

    @Option(
            names = "--host",
            description = "instead of a plugin, list what this machine's PVE has that Tenon does not know")
    private boolean host;

    @Option(names = "--lib", paramLabel = "DIR", description = "where the plugins' own modules are; may be repeated")
    private List<Path> libraries = new ArrayList<>();

    @Option(
            names = "--deadline",
            paramLabel = "SECONDS",
            defaultValue = "30",
            description = "how long a plugin may take to be loaded (default: ${DEFAULT-VALUE})")
    private int deadline = 30;

    @Mixin
    private PluginOptions options = new PluginOptions();

    @Override
    public Integer call() throws IOException {
        CommandLine command = Objects.requireNonNull(spec).commandLine();
        check(command);
        Logging.usually(Level.ERROR, Surroundings.of(Objects.requireNonNull(spec)));
        Inspector inspector =
                new Inspector(Home.perlShim(), options.pveLibrary(), libraries, Duration.ofSeconds(deadline));
        if (host) {
            HostInspection found = inspector.inspectHost();
            found.print(command.getOut(), json);
            return found.isKnown() ? 0 : 1;
        }
        List<Inspection> inspections =
                inspector.inspect(files.stream().distinct().toList());
        print(command.getOut(), inspections);
        return inspections.stream().allMatch(Inspection::isLoadedOnNewest) ? 0 : 1;
    }

    private void check(CommandLine command) {
        if (host != files.isEmpty()) {
            throw new CommandLine.ParameterException(
                    command,
                    host
                            ? "--host is not about plugin files: leave '" + files.getFirst() + "' out"
                            : "no FILE is named, and not --host either");
        }
        for (Path file : files) {
            if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
                throw new CommandLine.ParameterException(
                        command,
                        "the plugin file '" + file + "' "
                                + (Files.exists(file) ? "is not a readable file" : "does not exist"));
            }
        }
        if (deadline < 1) {
            throw new CommandLine.ParameterException(
                    command, "the deadline " + deadline + " is no number of seconds, 1 or more");
        }
    }

    private void print(PrintWriter out, List<Inspection> inspections) throws IOException {
        if (json) {
            List<?> all = inspections.stream().map(Inspection::toJson).toList();
            out.println(JSON.std
                    .with(JSON.Feature.PRETTY_PRINT_OUTPUT)
                    .with(JSON.Feature.WRITE_NULL_PROPERTIES)
                    .asString(all.size() == 1 ? all.getFirst() : all));
            return;
        }
        Report report = new Report(out);
        for (int i = 0; i < inspections.size(); i++) {
            if (i > 0) {
                out.println();
            }
            report.print(inspections.get(i));
        }
    }
}
