package dev.tenon.cli;

import dev.tenon.cli.demo.DemoCommand;
import dev.tenon.cli.host.Arguments;
import dev.tenon.cli.inspect.InspectCommand;
import dev.tenon.cli.storage.StorageCommand;
import dev.tenon.cli.transfer.CopyCommand;
import dev.tenon.cli.transfer.ExportCommand;
import dev.tenon.cli.transfer.ImportCommand;
import dev.tenon.cli.volume.VolumeCommand;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** What Tenon can do, as a table of contents. */
@Command(
        name = "tenon",
        mixinStandardHelpOptions = true,
        version = "tenon 0.1.0",
        synopsisSubcommandLabel = "COMMAND",
        description = "Joins the Perl storage plugins of Proxmox VE to storage written in Java, in both directions.",
        subcommands = {
            AdoptCommand.class,
            CompletionCommand.class,
            CopyCommand.class,
            DemoCommand.class,
            DoctorCommand.class,
            ExportCommand.class,
            HelpCommand.class,
            ImportCommand.class,
            InspectCommand.class,
            ProxyCommand.class,
            ReleaseCommand.class,
            ServeCommand.class,
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
    private final Surroundings surroundings;

    private Tenon(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    public static void main(String[] args) {
        System.exit(run(Surroundings.ofProcess(), args));
    }

    /** Runs a command and returns its exit status. */
    public static int run(Surroundings surroundings, String... args) {
        CommandLine line = commandLine(surroundings);
        int status = line.execute(SharedOptions.behind(line, args));
        if (surroundings.out().checkError() && status == ExitStatus.DONE) {
            surroundings.err().println("tenon: standard output cannot be written, so the output is incomplete");
            return ExitStatus.FAILED;
        }
        return status;
    }

    Surroundings surroundings() {
        return surroundings;
    }

    /** The command with all its subcommands. */
    static CommandLine commandLine(Surroundings surroundings) {
        CommandLine line = new CommandLine(new Tenon(surroundings));
        Arguments.register(line);
        StorageCommand.configure(line);
        VolumeCommand.configure(line);
        ExitStatus.tell(line);
        return line.setOut(surroundings.out())
                .setErr(surroundings.err())
                .setDefaultValueProvider(argument -> PluginOptions.usual(argument, surroundings))
                .registerConverter(Path.class, surroundings::path)
                .setExecutionExceptionHandler((e, command, result) -> ExitStatus.failed(command.getErr(), e))
                .setParameterExceptionHandler((e, args) -> {
                    CommandLine command = e.getCommandLine();
                    command.getErr().println("tenon: " + WrongUsage.sentence(e));
                    command.getErr().println("see: " + command.getCommandSpec().qualifiedName() + " --help");
                    return ExitStatus.WRONG_USAGE;
                });
    }
}
