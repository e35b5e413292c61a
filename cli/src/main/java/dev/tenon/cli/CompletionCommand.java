package dev.tenon.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What a shell needs to know to complete the words of the command. */
@Command(
        name = "completion",
        mixinStandardHelpOptions = true,
        description = "Prints a script for bash that completes commands, options, storages and volumes.",
        footer = {
            "",
            "Example: tenon completion > /etc/bash_completion.d/tenon",
            "Or for this shell only: source <(tenon completion)"
        })
final class CompletionCommand implements Callable<Integer> {
    private static final String NAMES = "completion-names.bash";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        CommandLine tenon = spec.root().commandLine();
        try (InputStream names = Objects.requireNonNull(CompletionCommand.class.getResourceAsStream(NAMES), NAMES)) {
            String script =
                    AutoComplete.bash("tenon", tenon) + "\n" + new String(names.readAllBytes(), StandardCharsets.UTF_8);
            spec.commandLine().getOut().print(script);
            spec.commandLine().getOut().flush();
        }
        return ExitStatus.DONE;
    }
}
