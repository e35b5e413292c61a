package dev.tenon.cli;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The help of a command, as the command itself prints it. */
@Command(
        name = "help",
        mixinStandardHelpOptions = true,
        description = "Prints the help of a command.",
        footer = {"", "Example: tenon help volume list", "Exit status: 0 done, 1 failed, 2 there is no such command."})
final class HelpCommand implements Callable<Integer> {
    @Parameters(paramLabel = "COMMAND", arity = "0..*", description = "the command (default: all of tenon)")
    private List<String> names = List.of();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        CommandLine line = spec.root().commandLine();
        for (int i = 0; i < names.size(); i++) {
            CommandLine command = line.getSubcommands().get(names.get(i));
            if (command == null) {
                throw new UnmatchedArgumentException(line, names.subList(i, names.size()));
            }
            line = command;
        }
        line.usage(spec.commandLine().getOut());
        return ExitStatus.DONE;
    }
}
