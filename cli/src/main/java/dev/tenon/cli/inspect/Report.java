package dev.tenon.cli.inspect;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** An inspection for people. */
final class Report {
    private static final int WIDTH = 110;
    private static final int INDENT = 14;

    private final PrintWriter out;

    Report(PrintWriter out) {
        this.out = out;
    }

    void print(Inspection inspection) {
        out.println(inspection.file());
        field("package", inspection.text("package"));
        field("type", inspection.text("type"));
        field("api", api(inspection));
        words("methods", inspection.names("methods"));
        words("properties", inspection.names("properties"));
        words("options", inspection.names("options"));
        field("content", choices(inspection.object("content")));
        field("formats", choices(inspection.object("formats")));
        if (inspection.text("sensitive") == null) {
            field("sensitive", "not told; PVE takes its own list");
        } else {
            words("sensitive", inspection.names("sensitive"));
        }
        words("features", inspection.names("features"));
        List<String> missing = new ArrayList<>();
        inspection.missing().forEach((module, debian) -> missing.add(module + " (" + debian + ")"));
        words("missing", missing);
        List<String> holds = inspection.names("holds");
        words("processes", split(holds.isEmpty() ? "many" : "one, since it holds " + String.join(", ", holds)));
        hosts(inspection);
        problems(inspection.problems());
        out.flush();
    }

    private static @Nullable String api(Inspection inspection) {
        String version = inspection.text("api");
        Map<?, ?> strategy = inspection.object("strategy");
        return switch (String.valueOf(strategy.get("kind"))) {
            case "mirror" ->
                version + " (the host's version, from " + strategy.get("oldest") + " to " + strategy.get("newest")
                        + ")";
            case "host" -> version + " (the host's version, whatever it is)";
            case "fixed" -> version + " (on every host)";
            default -> version;
        };
    }

    private static @Nullable String choices(Map<?, ?> choices) {
        if (choices.isEmpty()) {
            return null;
        }
        List<String> defaults = Inspection.strings(choices.get("default"));
        return String.join(" ", Inspection.strings(choices.get("allowed")))
                + (defaults.isEmpty() ? "" : " (default: " + String.join(" ", defaults) + ")");
    }

    /** Levels in a row with the same verdict are one line. */
    private void hosts(Inspection inspection) {
        String name = "hosts";
        int first = 0;
        List<Map.Entry<Integer, Verdict>> hosts = List.copyOf(inspection.hosts().entrySet());
        for (int i = 0; i < hosts.size(); i++) {
            Verdict verdict = hosts.get(i).getValue();
            if (i + 1 < hosts.size() && verdict.equals(hosts.get(i + 1).getValue())) {
                continue;
            }
            int from = hosts.get(first).getKey();
            int to = hosts.get(i).getKey();
            String levels = from == to ? Integer.toString(from) : from + "-" + to;
            String said = String.format("%-6s %-9s", levels, verdict.verdict());
            List<String> words = new ArrayList<>(List.of(said));
            words.addAll(verdict.reason() == null ? List.of() : split("it " + verdict.reason()));
            words(name, words, INDENT + said.length() + 1);
            name = "";
            first = i + 1;
        }
    }

    private void problems(List<String> problems) {
        if (problems.isEmpty()) {
            field("problems", "none");
        }
        String name = "problems";
        for (String problem : problems) {
            words(name, split(problem), INDENT);
            name = "";
        }
    }

    private void field(String name, @Nullable String value) {
        out.println(start(name) + Objects.requireNonNullElse(value, "unknown"));
    }

    private void words(String name, List<String> words) {
        words(name, words.isEmpty() ? List.of("none") : words, INDENT);
    }

    /** Words in lines that are not too long, the further ones indented. */
    private void words(String name, List<String> words, int indent) {
        StringBuilder line = new StringBuilder(start(name));
        boolean isEmpty = true;
        for (String word : words) {
            if (!isEmpty && line.length() + 1 + word.length() > WIDTH) {
                out.println(line.toString().stripTrailing());
                line = new StringBuilder(" ".repeat(indent));
                isEmpty = true;
            }
            line.append(isEmpty ? "" : " ").append(word);
            isEmpty = false;
        }
        out.println(line.toString().stripTrailing());
    }

    private static List<String> split(String text) {
        return Arrays.asList(text.split(" ", -1));
    }

    private static String start(String name) {
        return String.format("  %-" + (INDENT - 2) + "s", name);
    }
}
