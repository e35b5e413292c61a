package dev.tenon.cli;

import dev.tenon.core.spi.Quoted;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What is wrong with the words of a command, in one sentence that says what was perhaps meant. */
final class WrongUsage {
    /** A name that differs by more is a different one. */
    private static final int MOST_DIFFERENCES = 2;

    private WrongUsage() {}

    static String sentence(ParameterException wrong) {
        CommandLine line = wrong.getCommandLine();
        List<String> unknown = switch (wrong) {
            case UnmatchedArgumentException unmatched -> unmatched.getUnmatched();
            // what is missing was perhaps given under another name
            case MissingParameterException missing ->
                line.getUnmatchedArguments().stream()
                        .filter(word -> word.startsWith("-"))
                        .toList();
            default -> List.of();
        };
        if (unknown.isEmpty()) {
            return String.valueOf(wrong.getMessage());
        }
        String word = unknown.getFirst();
        String command = line.getCommandSpec().qualifiedName();
        if (word.startsWith("-")) {
            String name = word.indexOf('=') < 0 ? word : word.substring(0, word.indexOf('='));
            return "Unknown option: " + Quoted.of(name)
                    + meant(name, line.getCommandSpec().optionsMap().keySet().stream());
        }
        if (!line.getSubcommands().isEmpty()) {
            return "there is no command " + Quoted.of(command + " " + word)
                    + meant(word, line.getSubcommands().keySet().stream());
        }
        return command + " does not take the word " + Quoted.of(word)
                + (unknown.size() > 1 ? " and what follows it" : "");
    }

    private static String meant(String word, Stream<String> names) {
        List<String> near = new ArrayList<>(names.filter(name -> isNear(word, name))
                .sorted(Comparator.comparingInt((String name) -> differences(word, name))
                        .thenComparing(Comparator.naturalOrder()))
                .limit(3)
                .toList());
        return near.isEmpty() ? "" : "; did you mean " + String.join(" or ", near) + "?";
    }

    private static boolean isNear(String word, String name) {
        String typed = word.toLowerCase(Locale.ROOT);
        String bare = typed.replaceFirst("^-+", "");
        return differences(typed, name) <= Math.min(MOST_DIFFERENCES, Math.max(1, bare.length() / 2))
                || (bare.length() > 1 && name.startsWith(typed));
    }

    /** How many letters are missing, added, changed or swapped with their neighbours. */
    private static int differences(String one, String other) {
        int[][] cost = new int[one.length() + 1][other.length() + 1];
        for (int i = 0; i <= one.length(); i++) {
            for (int j = 0; j <= other.length(); j++) {
                if (i == 0 || j == 0) {
                    cost[i][j] = i + j;
                    continue;
                }
                boolean isSame = one.charAt(i - 1) == other.charAt(j - 1);
                cost[i][j] =
                        Math.min(Math.min(cost[i - 1][j], cost[i][j - 1]) + 1, cost[i - 1][j - 1] + (isSame ? 0 : 1));
                if (i > 1
                        && j > 1
                        && one.charAt(i - 1) == other.charAt(j - 2)
                        && one.charAt(i - 2) == other.charAt(j - 1)) {
                    cost[i][j] = Math.min(cost[i][j], cost[i - 2][j - 2] + 1);
                }
            }
        }
        return cost[one.length()][other.length()];
    }
}
