package dev.tenon.cli.host;

import ch.qos.logback.classic.Level;
import dev.tenon.cli.DataStreams;
import dev.tenon.cli.ExitStatus;
import dev.tenon.cli.InDaemon;
import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Logging;
import dev.tenon.cli.console.Terminal;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import dev.tenon.host.HostSettings;
import dev.tenon.host.PluginNeededException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.Optional;
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

    /** Does the work. What it throws is reported, and its outcome becomes the exit status. */
    protected abstract void run(Host host) throws IOException;

    /** Whether it makes the configuration if that is not there yet. */
    protected boolean makesConfiguration() {
        return false;
    }

    @Override
    public final Integer call() throws Exception {
        if (!makesConfiguration()) {
            refuse(options.wrong());
        }
        if (Surroundings.of(spec).daemon() != null) {
            return runAndTell();
        }
        Logging.usually(Level.WARN, Surroundings.of(spec));
        return Interruption.guard(this::runAndTell);
    }

    /** Whether the command changes nothing, so that it need not be asked what it did when it failed. */
    protected boolean isReading() {
        return false;
    }

    private int runAndTell() {
        try {
            try (Host host = host()) {
                try {
                    caller().call(() -> runOn(host));
                } finally {
                    // The processes of plugins are ended in order, even by a command that was cancelled.
                    Thread.interrupted();
                }
            }
            return ExitStatus.DONE;
        } catch (ParameterException | PluginNeededException e) {
            throw e;
        } catch (UncheckedIOException e) {
            IOException cause = e.getCause();
            return ExitStatus.failed(err(), cause == null ? e : cause, isReading());
        } catch (IOException | RuntimeException e) {
            return ExitStatus.failed(err(), e, isReading());
        } finally {
            out().flush();
        }
    }

    private Host host() throws IOException {
        HostSettings settings = options.settings();
        InDaemon daemon = Surroundings.of(spec).daemon();
        if (daemon != null) {
            return Host.ofReadingCommandInDaemon(settings, daemon.served());
        }
        return isReading() ? Host.ofReadingCommand(settings) : Host.ofCommand(settings);
    }

    /** This process as the host of plugins: what they print and warn of is shown to the user. */
    private dev.tenon.core.spi.Host caller() {
        return new dev.tenon.core.spi.Host(
                true, sentence -> err().println("tenon: " + sentence), (stream, line) -> err().println(line), null);
    }

    /** A host for plugins that are asked many things at once, so that what they print means nothing to the user. */
    protected static dev.tenon.core.spi.Host quietly() {
        return new dev.tenon.core.spi.Host(true, sentence -> {}, (stream, line) -> {}, null);
    }

    private boolean runOn(Host host) {
        try {
            run(host);
            if (!isReading() && out().checkError()) {
                throw unheard("it is done, but standard output cannot be written, so the output is lost");
            }
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Tells which volume was made. Whoever waits for it must not go on without it. */
    protected final void tellMade(VolumeId volume, JsonOption json) throws IOException {
        tellMade(volume, json, volume.toString());
    }

    /** The same in these words, where no JSON is asked for. */
    protected final void tellMade(VolumeId volume, JsonOption json, String words) throws IOException {
        if (json.isGiven()) {
            Json.print(out(), Json.object("volid", volume));
        } else {
            out().println(words);
        }
        if (out().checkError()) {
            throw unheard("it is done and the volume is '" + volume + "', but standard output cannot be written");
        }
    }

    /** Says that something is done and nobody was told what: the caller must look before repeating it. */
    protected static StorageException unheard(String message) {
        return new StorageException(StorageError.INTERNAL, Outcome.UNKNOWN, message);
    }

    /** Refuses a volume that PVE would not find again. */
    protected final void refuse(Optional<String> wrong) {
        if (wrong.isPresent()) {
            throw wrongUsage(wrong.get());
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
        return Surroundings.of(spec).terminal();
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
