package dev.tenon.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/**
 * A command line that knows only the command that its words begin with: to read what all the others take would take longer
 * than most commands do.
 */
final class NamedCommand {
    /** Words that ask about all commands. */
    private static final Set<String> OF_ALL = Set.of("completion", "help");

    private NamedCommand() {}

    /** Empty if the words do not begin with the name of a command; perhaps an option stands before it. */
    static Optional<CommandLine> of(Tenon tenon, String... words) {
        Command root = annotation(Tenon.class);
        CommandSpec spec =
                CommandSpec.wrapWithoutInspection(tenon).name(root.name()).version(root.version());
        return words.length == 0 || OF_ALL.contains(words[0])
                ? Optional.empty()
                : leaf(root, spec, List.of(words)).map(_ -> new CommandLine(spec));
    }

    private static Optional<CommandSpec> leaf(Command group, CommandSpec above, List<String> words) {
        if (words.isEmpty()) {
            return Optional.empty();
        }
        String name = words.getFirst();
        Optional<Class<?>> found = named(group, name);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        Command command = annotation(found.get());
        if (command.subcommands().length == 0) {
            CommandSpec leaf = CommandSpec.forAnnotatedObject(found.get());
            above.addSubcommand(name, leaf);
            return Optional.of(leaf);
        }
        CommandSpec spec = CommandSpec.create().name(name);
        above.addSubcommand(name, spec);
        return leaf(command, spec, words.subList(1, words.size()));
    }

    /** By the name of its class, so that not all of them have to be looked at. */
    private static Optional<Class<?>> named(Command group, String name) {
        String simpleName = name.replace("-", "") + "Command";
        return Arrays.stream(group.subcommands())
                .<Class<?>>map(type -> type)
                .filter(type -> type.getSimpleName().equalsIgnoreCase(simpleName)
                        && annotation(type).name().equals(name))
                .findFirst();
    }

    private static Command annotation(Class<?> type) {
        return Objects.requireNonNull(type.getAnnotation(Command.class));
    }
}
