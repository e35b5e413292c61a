package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.common.DeclaredDevicePlugin.Declaration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The properties of a storage of this type, which are those of StorPool's own plugin. */
final class Configuration {
    private static final String EXTRA_TAGS = "extra-tags";
    private static final String TEMPLATE = "template";
    private static final Pattern TEMPLATE_NAME = Pattern.compile("[A-Za-z0-9_\\-]+");
    private static final Pattern BLANKS = Pattern.compile("\\s+");
    private static final Set<String> OWN_TAGS =
            Arrays.stream(Tag.values()).map(Tag::word).collect(Collectors.toUnmodifiableSet());

    static final Declaration DECLARATION = new Declaration(
            "storpool",
            new PluginData(
                    Set.of("images", "rootdir", "iso", "backup", "none"),
                    Set.of("images", "rootdir"),
                    Set.of("raw"),
                    "raw",
                    Set.of(),
                    Set.of(),
                    false,
                    Map.of()),
            properties(),
            options());

    private Configuration() {}

    private static Map<String, PropertySchema> properties() {
        Map<String, PropertySchema> properties = new LinkedHashMap<>();
        properties.put(
                EXTRA_TAGS, schema("Tags that all new volumes and snapshots get, name=value, with blanks between."));
        properties.put(
                TEMPLATE, schema("The StorPool template of new volumes. The id of the storage if it is not set."));
        return properties;
    }

    private static PropertySchema schema(String description) {
        return new PropertySchema(Map.of("type", "string", "description", description));
    }

    private static Map<String, PropertyOption> options() {
        Map<String, PropertyOption> options = new LinkedHashMap<>();
        for (String name : List.of("nodes", "shared", "disable", "content", "format", EXTRA_TAGS, TEMPLATE)) {
            options.put(name, new PropertyOption(true, false));
        }
        return options;
    }

    /** The template of a storage. */
    static String template(Storage storage) {
        return storage.config()
                .text(TEMPLATE)
                .filter(name -> !name.isEmpty())
                .orElse(storage.id().value());
    }

    /** The tags that all new volumes of a storage get beside those that tell what they are. */
    static Map<String, String> extraTags(Storage storage) {
        return extraTags(storage.id(), storage.config().text(EXTRA_TAGS).orElse(""));
    }

    private static Map<String, String> extraTags(StorageId storage, String text) {
        Map<String, String> tags = new LinkedHashMap<>();
        for (String item : BLANKS.split(text.strip(), -1)) {
            if (item.isEmpty()) {
                continue;
            }
            int equals = item.indexOf('=');
            String name = equals < 0 ? item : item.substring(0, equals);
            String value = equals < 0 ? "" : item.substring(equals + 1);
            if (equals < 1 || !Tag.isName(name) || !Tag.isValue(value) || value.isEmpty()) {
                throw bad(
                        storage,
                        "extra-tags has " + Quoted.of(item) + ", which is no name=value of letters, digits and _-.:,"
                                + " each shorter than 200");
            }
            if (OWN_TAGS.contains(name)) {
                throw bad(storage, "extra-tags has " + Quoted.of(item) + ", a tag that says which volume of PVE it is");
            }
            tags.put(name, value);
        }
        return tags;
    }

    /** Refuses what StorPool would. */
    static void check(StorageId storage, Map<String, Object> properties, boolean isNew) {
        if (properties.get(EXTRA_TAGS) instanceof String text) {
            var _ = extraTags(storage, text);
        }
        String template = text(properties.get(TEMPLATE));
        if (template == null && isNew && !TEMPLATE_NAME.matcher(storage.value()).matches()) {
            throw bad(storage, "no template of StorPool can be called as the storage is, so set 'template'");
        }
        if (template != null && !TEMPLATE_NAME.matcher(template).matches()) {
            throw bad(
                    storage,
                    "template " + Quoted.of(template) + " is no name of a StorPool template: letters, digits, _ and -");
        }
    }

    private static @Nullable String text(@Nullable Object value) {
        return value instanceof String text && !text.isEmpty() ? text : null;
    }

    private static StorageException bad(StorageId storage, String why) {
        return StorageException.refused(StorageError.BAD_CONFIG, "storage '" + storage + "': " + why);
    }
}
