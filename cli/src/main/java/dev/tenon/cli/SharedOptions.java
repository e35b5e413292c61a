package dev.tenon.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** Options that many commands have. They may stand before the name of the command as well as behind it. */
final class SharedOptions {
    private static final Set<String> NAMES =
            Set.of("--accept-old", "--adopted", "--config", "--journal", "--json", "--plugin", "--pve-lib", "--quiet");

    private SharedOptions() {}

    /** The words, with such options moved behind the command's name. A command without that option refuses it. */
    static String[] behind(CommandLine root, String... words) {
        List<String> names = new ArrayList<>();
        List<String> options = new ArrayList<>();
        CommandLine line = root;
        int at = 0;
        for (; at < words.length && !line.getSubcommands().isEmpty(); at++) {
            String word = words[at];
            OptionSpec option = option(root, word);
            if (option != null) {
                options.add(word);
                if (option.arity().max() > 0 && word.indexOf('=') < 0 && at + 1 < words.length) {
                    options.add(words[++at]);
                }
                continue;
            }
            CommandLine command = line.getSubcommands().get(word);
            if (command == null) {
                break;
            }
            names.add(word);
            line = command;
        }
        names.addAll(options);
        names.addAll(Arrays.asList(words).subList(at, words.length));
        return names.toArray(String[]::new);
    }

    /** Null for another word. */
    private static @Nullable OptionSpec option(CommandLine root, String word) {
        int equals = word.indexOf('=');
        String name = equals < 0 ? word : word.substring(0, equals);
        return NAMES.contains(name) ? find(root, name) : null;
    }

    private static @Nullable OptionSpec find(CommandLine line, String name) {
        OptionSpec own = line.getCommandSpec().findOption(name);
        return own != null
                ? own
                : line.getSubcommands().values().stream()
                        .<@Nullable OptionSpec>map(command -> find(command, name))
                        .filter(Objects::nonNull)
                        .findFirst()
                        .orElse(null);
    }
}
