package dev.tenon.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The manual, a page of section 1 for each command, made from what the command says with {@code --help}. */
final class ManualPages {
    private static final String EXAMPLE = "Example: ";
    private static final String EXIT_STATUS = "Exit status";

    private final String date;

    private ManualPages(String date) {
        this.date = date;
    }

    /**
     * Writes all pages.
     *
     * @param args the directory, which exists, and the date that the pages carry
     */
    public static void main(String[] args) throws IOException {
        if (args.length != 2) {
            throw new IllegalArgumentException("two words are needed, a directory and a date, not " + args.length);
        }
        new ManualPages(args[1]).write(Tenon.commandLine(Surroundings.ofProcess()), Path.of(args[0]));
    }

    private void write(CommandLine line, Path directory) throws IOException {
        Files.writeString(directory.resolve(page(line.getCommandSpec()) + ".1"), source(line));
        for (CommandLine subcommand : line.getSubcommands().values()) {
            write(subcommand, directory);
        }
    }

    private static String page(CommandSpec spec) {
        return spec.qualifiedName("-");
    }

    private String source(CommandLine line) {
        CommandSpec spec = line.getCommandSpec();
        Help help = new Help(spec, Help.Ansi.OFF);
        List<String> lines = new ArrayList<>();
        lines.add(".TH \"%s\" 1 \"%s\" \"%s\" \"Tenon\""
                .formatted(
                        text(page(spec).toUpperCase(Locale.ROOT)),
                        date,
                        text(spec.root().version()[0])));
        // Long names and paths are not taken apart, and lines are not stretched.
        lines.add(".nh");
        lines.add(".ad l");
        lines.add(".SH NAME");
        String description = String.join(" ", spec.usageMessage().description());
        lines.add(text(page(spec)) + " \\- " + text(firstSentence(description)));
        lines.add(".SH SYNOPSIS");
        lines.add(".nf");
        help.synopsis(0).lines().map(ManualPages::text).forEach(lines::add);
        lines.add(".fi");
        lines.add(".SH DESCRIPTION");
        lines.add(text(description));
        arguments(lines, spec);
        options(lines, spec);
        if (!line.getSubcommands().isEmpty()) {
            lines.add(".SH COMMANDS");
            line.getSubcommands().values().forEach(subcommand -> {
                CommandSpec each = subcommand.getCommandSpec();
                lines.add(".TP");
                lines.add("\\fB" + text(page(each)) + "\\fR(1)");
                lines.add(
                        text(firstSentence(String.join(" ", each.usageMessage().description()))));
            });
        }
        footer(lines, spec);
        Map<String, String> statuses = spec.usageMessage().exitCodeList();
        if (!statuses.isEmpty()) {
            lines.add(".SH EXIT STATUS");
            statuses.forEach((status, meaning) -> {
                lines.add(".TP");
                lines.add("\\fB" + text(status) + "\\fR");
                lines.add(text(meaning));
            });
        }
        lines.add(".SH SEE ALSO");
        lines.add(related(line));
        return lines.stream().map(each -> each + "\n").collect(Collectors.joining());
    }

    private static String firstSentence(String description) {
        int end = description.indexOf(". ");
        String first = end < 0 ? description : description.substring(0, end);
        return first.endsWith(".") ? first.substring(0, first.length() - 1) : first;
    }

    private static void arguments(List<String> lines, CommandSpec spec) {
        List<PositionalParamSpec> shown = spec.positionalParameters().stream()
                .filter(argument -> !argument.hidden())
                .toList();
        if (shown.isEmpty()) {
            return;
        }
        lines.add(".SH ARGUMENTS");
        for (PositionalParamSpec argument : shown) {
            lines.add(".TP");
            lines.add("\\fI" + text(argument.paramLabel()) + "\\fR");
            lines.add(described(argument));
        }
    }

    private static void options(List<String> lines, CommandSpec spec) {
        List<OptionSpec> shown = spec.options().stream()
                .filter(option -> !option.hidden())
                .sorted((one, other) -> one.longestName().compareTo(other.longestName()))
                .toList();
        lines.add(".SH OPTIONS");
        for (OptionSpec option : shown) {
            lines.add(".TP");
            String names = Stream.of(option.names())
                    .map(name -> "\\fB" + text(name) + "\\fR")
                    .collect(Collectors.joining(", "));
            lines.add(option.arity().max() == 0 ? names : names + "=\\fI" + text(option.paramLabel()) + "\\fR");
            lines.add(described(option));
        }
    }

    private static String described(ArgSpec argument) {
        String[] rendered = argument.description();
        String description = String.join(" ", rendered);
        return description.isEmpty() ? "\\&" : text(description);
    }

    /** What follows the options on the screen: examples, further remarks, and the exit statuses. */
    private static void footer(List<String> lines, CommandSpec spec) {
        List<String> footer = Arrays.stream(spec.usageMessage().footer())
                .flatMap(String::lines)
                .filter(line -> !line.isBlank())
                .toList();
        String heading = "";
        for (String line : footer) {
            String wanted = line.startsWith(EXAMPLE)
                    ? "EXAMPLES"
                    : line.startsWith(EXIT_STATUS) ? "EXIT STATUS" : heading.isEmpty() ? "NOTES" : heading;
            if (!wanted.equals(heading)) {
                if (!heading.isEmpty()) {
                    lines.add(".fi");
                }
                lines.add(".SH \"" + wanted + "\"");
                lines.add(".nf");
                heading = wanted;
            }
            lines.add(text(line.startsWith(EXAMPLE) ? line.substring(EXAMPLE.length()) : line));
        }
        if (!heading.isEmpty()) {
            lines.add(".fi");
        }
    }

    private static String related(CommandLine line) {
        CommandLine above = line.getParent();
        Stream<CommandLine> beside =
                above == null ? Stream.of() : Stream.concat(Stream.of(above), above.getSubcommands().values().stream());
        String own = page(line.getCommandSpec());
        String pages = beside.map(each -> page(each.getCommandSpec()))
                .filter(page -> !page.equals(own))
                .map(page -> "\\fB" + text(page) + "\\fR(1)")
                .distinct()
                .collect(Collectors.joining(", "));
        return pages.isEmpty() ? "/usr/share/doc/tenon" : pages;
    }

    /** As roff reads it literally: a minus can be copied, and no line begins with a control character. */
    private static String text(String text) {
        String plain = text.replace("\\", "\\e").replace("-", "\\-");
        return plain.startsWith(".") || plain.startsWith("'") ? "\\&" + plain : plain;
    }
}
