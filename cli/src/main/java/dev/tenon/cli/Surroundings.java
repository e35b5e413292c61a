package dev.tenon.cli;

import dev.tenon.cli.console.Terminal;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/**
 * What a command finds around it, which is the process's own in {@link Tenon#main} and something else where several
 * commands run in one process.
 *
 * @param data standard input, and standard output for what is not text
 * @param out standard output, as text
 * @param err standard error, as text
 * @param directory what paths are relative to; null for the process's own
 * @param environment the variables by name
 * @param terminal what reads standard output
 * @param daemon the daemon that runs the command for another process; null if none does
 */
public record Surroundings(
        DataStreams data,
        PrintWriter out,
        PrintWriter err,
        @Nullable Path directory,
        Map<String, String> environment,
        Terminal terminal,
        @Nullable InDaemon daemon) {

    public Surroundings {
        environment = Map.copyOf(environment);
    }

    /** With the terminal of this process, and no daemon. */
    public Surroundings(
            DataStreams data,
            PrintWriter out,
            PrintWriter err,
            @Nullable Path directory,
            Map<String, String> environment) {
        this(data, out, err, directory, environment, Terminal.ofOutput(), null);
    }

    /** The surroundings of this process. */
    static Surroundings ofProcess() {
        return new Surroundings(
                new DataStreams.OfProcess(),
                new PrintWriter(System.out, true, System.out.charset()),
                new PrintWriter(System.err, true, System.err.charset()),
                null,
                System.getenv());
    }

    /** The surroundings of a command. */
    public static Surroundings of(CommandSpec command) {
        return ((Tenon) command.root().userObject()).surroundings();
    }

    /** A path as it was given, or in the directory; a command that prints it has to print what was given. */
    public Path path(String given) {
        if (daemon != null && !Path.of(given).isAbsolute()) {
            daemon.doubt("the path '" + given + "' is relative");
        }
        return directory == null ? Path.of(given) : directory.resolve(given);
    }

    /** A variable, null if it is not set or empty. */
    public @Nullable String variable(String name) {
        String value = environment.getOrDefault(name, "");
        return value.isEmpty() ? null : value;
    }
}
