package dev.tenon.cli;

import dev.tenon.core.NativeTypes;
import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What a shell needs to know to complete the words of the command. */
@Command(
        name = "completion",
        mixinStandardHelpOptions = true,
        description =
                "Prints a script for bash or zsh that completes commands, options, storage types and their properties,"
                        + " storages, volumes and files.",
        footer = {
            "",
            "Example: tenon completion > /etc/bash_completion.d/tenon",
            "Or for this shell only: source <(tenon completion)",
            "For zsh, into a directory of its fpath: tenon completion --zsh > /usr/local/share/zsh/site-functions/_tenon"
        })
final class CompletionCommand implements Callable<Integer> {
    private static final String NAMES = "completion-names.bash";
    /** The end of the script in that for zsh. */
    private static final String END = "END_OF_THE_SCRIPT_FOR_BASH";

    @Option(names = "--zsh", description = "for zsh, which lets bash complete the words")
    private boolean isForZsh;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        out.print(isForZsh ? ofZsh() : ofBash());
        out.flush();
        return ExitStatus.DONE;
    }

    private String ofBash() throws IOException {
        CommandLine tenon = spec.root().commandLine();
        try (InputStream names = Objects.requireNonNull(CompletionCommand.class.getResourceAsStream(NAMES), NAMES)) {
            return AutoComplete.bash("tenon", tenon) + "\n" + properties()
                    + new String(names.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private String ofZsh() throws IOException {
        return """
                #compdef tenon
                # Bash completes the words, by the script below.

                local -a found
                found=(${(f)"$(bash -s -- "${(j: :)words[1,CURRENT]}" <<'%s'
                TENON_COMPLETES_ELSEWHERE=1
                %s
                _tenon_complete_line "$1"
                %s
                )"})
                if (( $#found )); then
                    compadd -- $found
                else
                    _files
                fi
                """.formatted(END, ofBash(), END);
    }

    /** The functions that print the storage types, and the properties of one of them. */
    private static String properties() {
        Map<String, StoragePlugin> types = NativeTypes.all();
        StringBuilder script = new StringBuilder(
                "_tenon_types() {\n    printf '%%s\\n' %s\n}\n\n".formatted(String.join(" ", types.keySet())));
        script.append("_tenon_properties() {\n    case $1 in\n");
        types.forEach((type, plugin) -> script.append("        %s) printf '%%s\\n' %s ;;\n"
                .formatted(type, String.join(" ", new TreeSet<>(plugin.options().keySet())))));
        return script.append("    esac\n}\n").toString();
    }
}
