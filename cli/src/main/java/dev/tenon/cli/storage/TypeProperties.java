package dev.tenon.cli.storage;

import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.StoragePlugin;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The properties of a storage type, as far as the command has to know them: the configuration checks their values. */
final class TypeProperties {
    private static final String BOOLEAN = "boolean";

    /** Of a plugin that does not say which of its properties are sensitive. */
    private static final Set<String> SENSITIVE = Set.of("password", "keyring", "encryption-key", "master-pubkey");

    /** What every type may have and none declares. */
    private static final Map<String, PropertySchema> COMMON = Map.ofEntries(
            text("content", "What the storage may hold, for instance images,iso."),
            text("content-dirs", "Other directories for some of the content, for instance iso=my/isos."),
            flag("disable", "Keep the storage in the configuration, but do not use it."),
            text(
                    "encryption-key",
                    "A key file, by which backups are encrypted on this host, or 'autogen' to make one."),
            text("format", "The image format that is used when none is asked for."),
            text("max-protected-backups", "How many backups of one guest may be protected; -1 for any number."),
            text("nodes", "The nodes that may use the storage, separated by commas; all if it is missing."),
            text("options", "Options for the mount."),
            text("port", "The port of the server."),
            text("preallocation", "How much of a new raw or qcow2 image is allocated: off, metadata, falloc or full."),
            text("prune-backups", "Which backups are kept, for instance keep-last=3,keep-weekly=4."),
            flag("shared", "Every node finds the same content here; this makes nothing shared that is not."),
            flag("snapshot-as-volume-chain", "A snapshot is an image of its own on top of the last."),
            text("subdir", "The directory on the server that is mounted."));

    private final StoragePlugin plugin;
    private final Map<String, PropertySchema> schemas = new HashMap<>(COMMON);

    /**
     * Those of a type.
     *
     * @param neighbours all types that are here: a type may use what another declares
     */
    TypeProperties(StoragePlugin plugin, Collection<StoragePlugin> neighbours) {
        this.plugin = plugin;
        neighbours.forEach(neighbour -> schemas.putAll(neighbour.properties()));
        schemas.putAll(plugin.properties());
    }

    private static Map.Entry<String, PropertySchema> text(String name, String description) {
        return Map.entry(name, new PropertySchema(Map.of("type", "string", "description", description)));
    }

    private static Map.Entry<String, PropertySchema> flag(String name, String description) {
        return Map.entry(name, new PropertySchema(Map.of("type", BOOLEAN, "description", description)));
    }

    boolean isSensitive(String name) {
        Set<String> declared = plugin.pluginData().sensitiveProperties();
        return plugin.options().containsKey(name) && (declared == null ? SENSITIVE : declared).contains(name);
    }

    private boolean isBoolean(String name) {
        return schema(name, "type").filter(BOOLEAN::equals).isPresent();
    }

    private Optional<String> schema(String name, String keyword) {
        PropertySchema schema = schemas.get(name);
        return schema == null
                ? Optional.empty()
                : Optional.ofNullable(schema.attributes().get(keyword)).map(String::valueOf);
    }

    /**
     * The values for the configuration. A boolean without a value is set; a secret without one is asked for.
     *
     * @throws IllegalArgumentException with one sentence
     */
    Map<String, String> values(Map<String, Optional<String>> given, SecretPrompt prompt) {
        Map<String, String> values = new TreeMap<>();
        given.forEach((name, value) -> {
            if (value.isPresent()) {
                values.put(name, isBoolean(name) ? truth(value.get()) : value.get());
            } else if (isSensitive(name)) {
                values.put(name, prompt.ask(name));
            } else if (isBoolean(name)) {
                values.put(name, "1");
            } else {
                throw new IllegalArgumentException("the property '" + name + "' needs a value: --" + name + " VALUE");
            }
        });
        return values;
    }

    private static String truth(String word) {
        return switch (word.toLowerCase(Locale.ROOT)) {
            case "yes", "on", "true" -> "1";
            case "no", "off", "false" -> "0";
            default -> word;
        };
    }

    /** The properties for the help, one a paragraph, required ones first. */
    String help() {
        StringBuilder help = new StringBuilder("Properties of type " + plugin.type() + ":\n");
        Map<String, PropertyOption> options = new TreeMap<>(plugin.options());
        for (boolean optional : new boolean[] {false, true}) {
            options.forEach((name, option) -> {
                if (option.optional() == optional) {
                    help.append(help(name, option));
                }
            });
        }
        return help.toString();
    }

    private String help(String name, PropertyOption option) {
        String value = isBoolean(name) ? "[0|1]" : isSensitive(name) ? "[VALUE]" : "VALUE";
        String facts = (option.optional() ? "" : " (required)") + (option.fixed() ? " (fixed once it is added)" : "");
        StringBuilder text = new StringBuilder("  --" + name + " " + value + facts + "\n");
        schema(name, "description")
                .ifPresent(description -> text.append("        ")
                        .append(description.strip().replaceAll("\\s+", " "))
                        .append('\n'));
        if (schemas.containsKey(name) && schemas.get(name).attributes().get("enum") instanceof List<?> words) {
            text.append("        One of ")
                    .append(words.stream().map(String::valueOf).collect(Collectors.joining(", ")))
                    .append(".\n");
        }
        if (isSensitive(name)) {
            text.append("        Without a value it is asked for; it is not written to storage.cfg.\n");
        }
        return text.toString();
    }
}
