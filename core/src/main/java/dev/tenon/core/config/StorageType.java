package dev.tenon.core.config;

import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StoragePlugin;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A storage type as the configuration sees it: which properties it has, how their text is read and written. */
final class StorageType {
    /** Of a plugin that does not say which of its properties are sensitive. */
    private static final Set<String> SENSITIVE = Set.of("password", "keyring", "encryption-key", "master-pubkey");

    private static final Pattern NODE = Pattern.compile("[a-zA-Z0-9](?:[a-zA-Z0-9\\-]*[a-zA-Z0-9])?");

    private final StoragePlugin plugin;
    private final PluginData data;
    private final Map<String, PropertyOption> options;
    private final Map<String, Schema> schemas;
    private final List<String> order;

    StorageType(StoragePlugin plugin, Properties properties) {
        this.plugin = plugin;
        this.data = plugin.pluginData();
        this.options = new TreeMap<>(plugin.options());
        this.schemas = properties.of(plugin);
        this.order = writingOrder();
    }

    private List<String> writingOrder() {
        Set<String> names = new LinkedHashSet<>();
        if (options.containsKey("disable")) {
            names.add("disable");
        }
        options.forEach((name, option) -> {
            if (!option.optional()) {
                names.add(name);
            }
        });
        names.addAll(options.keySet());
        return List.copyOf(names);
    }

    StoragePlugin plugin() {
        return plugin;
    }

    Map<String, PropertyOption> options() {
        return options;
    }

    /** All options in the order in which PVE writes them. */
    List<String> order() {
        return order;
    }

    Set<String> sensitive() {
        Set<String> declared = data.sensitiveProperties();
        return declared == null ? SENSITIVE : declared;
    }

    boolean isArray(String name) {
        Schema schema = schemas.get(name);
        return schema != null && schema.isArray();
    }

    /**
     * Checks the text of one of the options, or of one line of it, as PVE does before it takes it.
     *
     * @param text null if there is only the name
     * @return the text as PVE keeps it
     * @throws BadValueException with the property and the rule that is broken; a sensitive value is not in it
     */
    String check(String name, @Nullable String text) {
        Schema schema = schemas.get(name);
        if (schema == null) {
            throw new BadValueException("unexpected property " + Quoted.of(name));
        }
        String value = text == null && schema.isBoolean() ? "1" : text;
        if (value == null) {
            throw new BadValueException("property '" + name + "': got undefined value");
        }
        if (!fitsALine(value) && !sensitive().contains(name)) {
            throw new BadValueException("property '" + name + "' contains a line feed: " + Quoted.of(value));
        }
        try {
            schema.check(value);
            return schema.normalized(value);
        } catch (BadValueException e) {
            String rule = sensitive().contains(name) ? "the value, which is not shown, is not allowed" : e.getMessage();
            throw new BadValueException("property '" + name + "': " + rule);
        }
    }

    /** Whether a text can be the value of a property in the file. */
    private static boolean fitsALine(String text) {
        return text.indexOf('\n') < 0 && text.indexOf('\r') < 0;
    }

    /**
     * The properties as the storage gets them; what is decoded already stays. Their types are told by the schemas.
     *
     * @param left told of the property and of what the type does not have of it, which is left out
     * @throws BadValueException if nothing sensible remains
     */
    Map<String, Object> decode(Map<String, Object> properties, BiConsumer<String, String> left) {
        Map<String, Object> decoded = new LinkedHashMap<>();
        properties.forEach((name, value) -> {
            if (!name.equals("type")) {
                Object plain = value instanceof String text ? decode(name, text, left) : value;
                if (plain != null) {
                    decoded.put(name, plain);
                }
            }
        });
        return decoded;
    }

    private @Nullable Object decode(String name, String text, BiConsumer<String, String> left) {
        return switch (name) {
            case "content" -> content(text, left);
            case "nodes" -> nodes(text);
            case "content-dirs" -> contentDirs(text, left);
            case "format" -> {
                if (!data.formats().contains(text)) {
                    left.accept(name, "storage does not support format " + Quoted.of(text));
                    yield null;
                }
                yield text;
            }
            default -> text;
        };
    }

    private Map<String, String> content(String text, BiConsumer<String, String> left) {
        Map<String, String> content = new LinkedHashMap<>();
        for (String word : Words.of(text)) {
            if (data.content().contains(word)) {
                content.put(word, "1");
            } else {
                left.accept("content", "storage does not support content type " + Quoted.of(word));
            }
        }
        if (content.containsKey("none") && content.size() > 1) {
            throw new BadValueException("unable to combine 'none' with other content types: " + Quoted.of(text));
        }
        if (content.isEmpty() && !data.content().contains("none")) {
            throw new BadValueException("storage does not support content type 'none'");
        }
        return content;
    }

    private static Map<String, String> nodes(String text) {
        Map<String, String> nodes = new LinkedHashMap<>();
        for (String node : Words.of(text)) {
            if (!NODE.matcher(node).matches()) {
                throw new BadValueException("value does not look like a valid node name: " + Quoted.of(node));
            }
            if (!node.equals("0")) { // which PVE takes for none
                nodes.put(node, "1");
            }
        }
        return nodes;
    }

    private Map<String, String> contentDirs(String text, BiConsumer<String, String> left) {
        Map<String, String> directories = new LinkedHashMap<>();
        for (String item : Words.of(text)) {
            int equals = item.indexOf('=');
            String content = equals < 0 ? item : item.substring(0, equals);
            if (equals >= 0 && data.content().contains(content)) {
                directories.put(content, item.substring(equals + 1));
            } else {
                left.accept("content-dirs", "storage does not support content type " + Quoted.of(content));
            }
        }
        return directories;
    }

    /** The properties with those that every storage of the type has. */
    StorageConfig complete(Map<String, Object> properties) {
        Map<String, Object> all = new LinkedHashMap<>(properties);
        if (!data.content().isEmpty() && !all.containsKey("content")) {
            Map<String, String> content = new LinkedHashMap<>();
            new TreeSet<>(data.defaultContent()).forEach(word -> content.put(word, "1"));
            all.put("content", content);
        }
        if (plugin.isShared()) {
            all.put("shared", "1");
        }
        return new StorageConfig(plugin.type(), all);
    }

    /**
     * The lines of a section by property, in PVE's order; what PVE does not write is not among them.
     *
     * @throws BadValueException if a value cannot stand in a line
     */
    Map<String, List<String>> encode(Map<String, Object> properties) {
        Map<String, List<String>> lines = new LinkedHashMap<>();
        for (String name : order) {
            Object value = properties.get(name);
            if (value != null) {
                List<String> own = lines(name, value);
                if (!own.isEmpty()) {
                    lines.put(name, own);
                }
            }
        }
        return lines;
    }

    private List<String> lines(String name, Object value) {
        Schema schema = schemas.get(name);
        if (schema != null && schema.isBoolean()) {
            boolean isSet = !value.equals("") && !value.equals("0");
            if (name.equals("disable")) {
                return isSet ? List.of("\tdisable") : List.of();
            }
            return List.of("\t" + name + (isSet ? " 1" : " 0"));
        }
        List<String> lines = new ArrayList<>();
        for (String text : texts(name, value)) {
            if (!fitsALine(text)) {
                throw new BadValueException("property '" + name + "' contains a line feed");
            }
            if (!text.isEmpty()) {
                lines.add("\t" + name + " " + text);
            }
        }
        return lines;
    }

    private static List<String> texts(String name, Object value) {
        return switch (value) {
            case Map<?, ?> map when name.equals("content-dirs") -> List.of(joined(map, true));
            case Map<?, ?> map
            when name.equals("content") -> {
                String words = joined(map, false);
                yield List.of(words.isEmpty() ? "none" : words);
            }
            case Map<?, ?> map -> List.of(joined(map, false));
            case List<?> items -> items.stream().map(String::valueOf).toList();
            default -> List.of(String.valueOf(value));
        };
    }

    private static String joined(Map<?, ?> map, boolean withValues) {
        Set<String> items = new TreeSet<>();
        map.forEach((key, value) -> {
            if (withValues) {
                items.add(key + "=" + value);
            } else if (!String.valueOf(value).isEmpty() && !value.equals("0")) {
                items.add(String.valueOf(key));
            }
        });
        return String.join(",", items);
    }
}
