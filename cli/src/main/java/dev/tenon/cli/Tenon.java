package dev.tenon.cli;

import dev.tenon.cli.backup.BackupCommand;
import dev.tenon.cli.check.CheckCommand;
import dev.tenon.cli.compare.CompareCommand;
import dev.tenon.cli.compare.RecordCommand;
import dev.tenon.cli.compare.ReplayCommand;
import dev.tenon.cli.compare.RouteCommand;
import dev.tenon.cli.compare.ShadowCommand;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.demo.DemoCommand;
import dev.tenon.cli.host.Arguments;
import dev.tenon.cli.inspect.InspectCommand;
import dev.tenon.cli.libvirt.LibvirtCommand;
import dev.tenon.cli.storage.StorageCommand;
import dev.tenon.cli.transfer.CopyCommand;
import dev.tenon.cli.transfer.ExportCommand;
import dev.tenon.cli.transfer.ImportCommand;
import dev.tenon.cli.volume.VolumeCommand;
import dev.tenon.host.PluginNeededException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionStrategy;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.Model.UsageMessageSpec;

/** What Tenon can do, as a table of contents. */
@Command(
        name = "tenon",
        mixinStandardHelpOptions = true,
        version = "tenon 0.1.0",
        synopsisSubcommandLabel = "COMMAND",
        description = "Joins the Perl storage plugins of Proxmox VE to storage written in Java, in both directions.",
        subcommands = {
            AdoptCommand.class,
            BackupCommand.class,
            CheckCommand.class,
            CompareCommand.class,
            CompletionCommand.class,
            CopyCommand.class,
            DemoCommand.class,
            DoctorCommand.class,
            ExportCommand.class,
            HelpCommand.class,
            ImportCommand.class,
            InspectCommand.class,
            LibvirtCommand.class,
            ProxyCommand.class,
            RecordCommand.class,
            ReleaseCommand.class,
            ReplayCommand.class,
            RouteCommand.class,
            ServeCommand.class,
            ShadowCommand.class,
            StatusCommand.class,
            StorageCommand.class,
            VolumeCommand.class
        },
        footer = {
            "",
            "Example: tenon demo",
            "Options that many commands have (--config, --json, --quiet, --pve-lib, --plugin, --journal) may stand before",
            "the command, too.",
            "Exit status: 0 done, 1 failed (the reason is on standard error), 2 wrong usage,",
            "3 failed and whether it took effect is not known, 130 cancelled by Ctrl-C."
        })
public final class Tenon {
    private static final int NARROWEST_HELP = 60;
    private static final int WIDEST_HELP = 120;

    private final Surroundings surroundings;

    private Tenon(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    public static void main(String[] args) {
        System.exit(run(Surroundings.ofProcess(), args));
    }

    /** Runs a command and returns its exit status. */
    public static int run(Surroundings surroundings, String... args) {
        int status = execute(surroundings, args);
        // A command that changed something has said so itself.
        if (!surroundings.out().checkError() || status == ExitStatus.UNKNOWN) {
            return status;
        }
        // Said after a failed command, too: the reason may have been in the output.
        surroundings.err().println("tenon: standard output cannot be written, so the output is incomplete");
        return status == ExitStatus.DONE ? ExitStatus.FAILED : status;
    }

    private static int execute(Surroundings surroundings, String... args) {
        Optional<CommandLine> named = NamedCommand.of(new Tenon(surroundings), args);
        return named.isPresent()
                ? executeNamed(configured(named.get(), surroundings), surroundings, args)
                : executeAny(surroundings, args);
    }

    private static int executeAny(Surroundings surroundings, String... args) {
        CommandLine line = commandLine(surroundings);
        return line.execute(SharedOptions.behind(line, args));
    }

    private static int executeNamed(CommandLine line, Surroundings surroundings, String... args) {
        AtomicBoolean hasBegun = new AtomicBoolean();
        IExecutionStrategy strategy = line.getExecutionStrategy();
        line.setExecutionStrategy(parsed -> {
            hasBegun.set(true);
            return strategy.execute(parsed);
        });
        IParameterExceptionHandler told = line.getParameterExceptionHandler();
        // Only the command line that knows all commands can say what is wrong with the words.
        line.setParameterExceptionHandler(
                (e, words) -> hasBegun.get() ? told.handleParseException(e, words) : executeAny(surroundings, args));
        return line.execute(args);
    }

    private static int failed(Exception failure, CommandLine command, Surroundings surroundings) {
        InDaemon daemon = surroundings.daemon();
        if (daemon != null && failure instanceof PluginNeededException) {
            daemon.doubt(failure.getMessage());
        }
        return ExitStatus.failed(command.getErr(), failure);
    }

    /** The terminal's, as far as lines of that length can be read. */
    private static int helpWidth(Terminal terminal) {
        return terminal.isPresent()
                ? Math.clamp(terminal.width(), NARROWEST_HELP, WIDEST_HELP)
                : UsageMessageSpec.DEFAULT_USAGE_WIDTH;
    }

    Surroundings surroundings() {
        return surroundings;
    }

    /** The command with all its subcommands. */
    static CommandLine commandLine(Surroundings surroundings) {
        return configured(new CommandLine(new Tenon(surroundings)), surroundings);
    }

    private static CommandLine configured(CommandLine line, Surroundings surroundings) {
        Arguments.register(line);
        StorageCommand.configure(line);
        VolumeCommand.configure(line);
        ExitStatus.tell(line);
        return line.setUsageHelpWidth(helpWidth(surroundings.terminal()))
                .setOut(surroundings.out())
                .setErr(surroundings.err())
                .setDefaultValueProvider(argument -> PluginOptions.usual(argument, surroundings))
                .registerConverter(Path.class, surroundings::path)
                .setExecutionExceptionHandler((e, command, result) -> failed(e, command, surroundings))
                .setParameterExceptionHandler((e, args) -> {
                    CommandLine command = e.getCommandLine();
                    command.getErr().println("tenon: " + WrongUsage.sentence(e));
                    command.getErr().println("see: " + command.getCommandSpec().qualifiedName() + " --help");
                    return ExitStatus.WRONG_USAGE;
                });
    }
}
