package dev.tenon.cli.inspect;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.bridge.serve.Registration;
import dev.tenon.core.command.Command;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What a plugin declares, and what it does to PVE when it is loaded, as Perl tells it. */
public final class Registrations {
    private static final Duration LIMIT = Duration.ofMinutes(1);

    private Registrations() {}

    /**
     * Of a plugin that is to be adopted.
     *
     * @param perlShim where Tenon's Perl is
     * @param pveLibrary PVE's own Perl libraries, null for an installed PVE or else the compat layer
     * @throws IllegalArgumentException if a proxy cannot do what the plugin does, naming the lines that do it
     */
    public static Registration of(Path perlShim, Path file, @Nullable Path pveLibrary) throws IOException {
        List<String> command = new ArrayList<>(
                List.of("perl", perlShim.resolve("bin/tenon-inspect").toString(), "--registration"));
        if (pveLibrary != null) {
            command.addAll(List.of("--pve-lib", pveLibrary.toString()));
        }
        command.addAll(List.of("--", file.toString()));
        Map<String, Object> told = JSON.std.mapFrom(told(command, file));
        if (told.get("complaint") instanceof String complaint) {
            throw new IllegalArgumentException("'" + file + "' cannot be adopted; nothing was done: it " + complaint);
        }
        String wanted =
                "PVE::Storage::Custom::" + String.valueOf(file.getFileName()).replaceFirst("\\.pm$", "");
        if (!wanted.equals(told.get("package"))) {
            throw new IllegalArgumentException("'" + file + "' cannot be adopted; nothing was done: its class is "
                    + told.get("package") + ", and PVE loads " + wanted + " from there");
        }
        List<?> refused = told.get("refused") instanceof List<?> list ? list : List.of();
        if (!refused.isEmpty()) {
            throw new IllegalArgumentException("'" + file + "' cannot be adopted; nothing was done: "
                    + refused.stream().map(Registrations::sentence).collect(Collectors.joining("; ")));
        }
        Map<?, ?> literals = object(told.get("literals"));
        return new Registration(
                text(literals.get("plugindata")),
                text(literals.get("properties")),
                text(literals.get("options")),
                Inspection.strings(told.get("shared")),
                each(told.get("formats"), format -> {
                    Object schema = format.get("schema");
                    return "[" + (schema == null ? "undef" : schema) + ", " + format.get("code") + "]";
                }),
                each(told.get("options"), option -> text(option.get("schema"))),
                Inspection.strings(told.get("holds")),
                functions(told.get("functions")));
    }

    private static String told(List<String> command, Path file) {
        try {
            return new Command(command, "unable to inspect '" + file + "'", LIMIT).run();
        } catch (StorageException e) {
            throw new IllegalArgumentException(
                    "'" + file + "' cannot be adopted; nothing was done: " + e.getMessage(), e);
        }
    }

    private static String sentence(Object refused) {
        Map<?, ?> about = object(refused);
        String line = String.valueOf(about.get("line"));
        return (line.equals("0") ? "it " : "line " + line + " of '" + about.get("file") + "' ") + about.get("what");
    }

    private static Map<?, ?> object(@Nullable Object value) {
        return value instanceof Map<?, ?> map ? map : Map.of();
    }

    private static String text(@Nullable Object value) {
        return value == null ? "undef" : value.toString();
    }

    private static Map<String, String> each(@Nullable Object entries, Function<Map<?, ?>, String> literal) {
        Map<String, String> literals = new TreeMap<>();
        object(entries).forEach((name, entry) -> literals.put(String.valueOf(name), literal.apply(object(entry))));
        return literals;
    }

    private static Map<String, String> functions(@Nullable Object list) {
        Map<String, String> functions = new TreeMap<>();
        if (list instanceof List<?> entries) {
            entries.forEach(entry -> functions.put(
                    text(object(entry).get("name")), text(object(entry).get("default"))));
        }
        return functions;
    }
}
