package dev.tenon.cli.host;

import ch.qos.logback.classic.Level;
import dev.tenon.cli.DataStreams;
import dev.tenon.cli.ExitStatus;
import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Logging;
import dev.tenon.cli.console.Terminal;
import dev.tenon.host.Host;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that uses storages. Data goes to standard output, everything else to standard error. */
@Command(
        exitCodeListHeading = "%nExit status:%n",
        exitCodeList = {
            "0:done",
            "1:failed, and nothing is changed; the reason is on standard error",
            "2:wrong usage, nothing was done",
            "3:failed, and whether it took effect is not known: look before it is repeated",
            "130:cancelled by Ctrl-C"
        })
public abstract class HostCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private HostOptions options = new HostOptions();

    /** Does it; what it throws is told, and the outcome of that is the exit status. */
    protected abstract void run(Host host) throws IOException;

    @Override
    public final Integer call() throws Exception {
        Logging.usually(Level.WARN, Surroundings.of(spec));
        return Interruption.guard(this::runAndTell);
    }

    /** Whether the command changes nothing, so that it need not be asked what it did when it failed. */
    protected boolean isReading() {
        return false;
    }

    private int runAndTell() {
        try {
            try (Host host = Host.ofCommand(options.settings())) {
                try {
                    run(host);
                } finally {
                    // The processes of plugins are ended in peace, also by a command that was cancelled.
                    Thread.interrupted();
                }
            }
            return ExitStatus.DONE;
        } catch (ParameterException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            return ExitStatus.failed(err(), e, isReading());
        } finally {
            out().flush();
        }
    }

    protected final PrintWriter out() {
        return line().getOut();
    }

    protected final PrintWriter err() {
        return line().getErr();
    }

    /** Standard input and output as far as they carry no text. */
    protected final DataStreams streams() {
        return Surroundings.of(spec).data();
    }

    protected final Terminal terminal() {
        return Terminal.ofOutput();
    }

    protected final CommandLine line() {
        return spec.commandLine();
    }

    protected final ParameterException wrongUsage(RuntimeException cause) {
        return wrongUsage(String.valueOf(cause.getMessage()));
    }

    protected final ParameterException wrongUsage(String message) {
        return new ParameterException(line(), message);
    }
}
