package dev.tenon.core.config;

import dev.tenon.core.config.ConfigFile.Property;
import dev.tenon.core.config.ConfigFile.Section;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;

/** One state of the file, read as PVE reads it: what has a fault is left out, and told. */
final class Reading {
    private static final String LOCAL = "local";
    private static final String DIR = "dir";
    private static final String LOCAL_PATH = "/var/lib/vz";

    /** Why a plugin may have failed to check a section that has no fault. */
    private static final Set<StorageError> PASSING = EnumSet.of(
            StorageError.SIDECAR_FAILED,
            StorageError.DEADLINE_EXCEEDED,
            StorageError.TOO_MANY_CALLS,
            StorageError.CANCELLED,
            StorageError.STORAGE_UNAVAILABLE);

    /**
     * A storage and the section that it was read from.
     *
     * @param properties without what every storage of the type has
     */
    record Found(Section section, StorageType type, Map<String, Object> properties, Storage storage) {}

    private final ConfigFile file;
    private final Map<String, StorageType> types;
    private final Map<String, Found> found = new LinkedHashMap<>();
    private final Map<String, StorageException> unusable = new LinkedHashMap<>();
    private final List<Problem> problems = new ArrayList<>();
    private final StorageConfigs configs;
    private boolean isFinal = true;

    Reading(byte[] bytes, String digest, Map<String, StorageType> types) {
        this.file = new ConfigFile(bytes);
        this.types = types;
        file.ignored().forEach(this::saysNothing);
        file.sections().forEach(this::read);
        Map<String, Storage> storages = storages();
        problems.sort(Comparator.comparingInt(Problem::line));
        configs = new StorageConfigs(storages, unusable, problems, digest);
    }

    private void saysNothing(int line) {
        problems.add(new Problem(line, "ignore config line: " + Quoted.of(file.text(line)), true));
    }

    private void read(Section section) {
        StorageId id;
        try {
            id = new StorageId(section.id());
        } catch (StorageException e) {
            problems.add(new Problem(section.line(), e.getMessage(), true));
            return;
        }
        StorageType type = types.get(section.type());
        if (type == null) {
            String text = "storage '" + id + "' has the unsupported type " + Quoted.of(section.type())
                    + ", known types are " + String.join(", ", types.keySet());
            problems.add(new Problem(section.line(), text, false));
            if (!found.containsKey(section.id())) {
                unusable.putIfAbsent(section.id(), StorageException.refused(StorageError.NOT_SUPPORTED, text));
            }
            return;
        }
        if (found.remove(section.id()) != null || isFaulty(section.id())) {
            problems.add(new Problem(
                    section.line(), "storage '" + id + "' stands in the file more than once, the last counts", false));
        }
        unusable.remove(section.id());
        List<Problem> own = new ArrayList<>();
        section.ignored().forEach(this::saysNothing);
        try {
            Map<String, Object> properties = resolve(section, id, type, own);
            found.put(section.id(), new Found(section, type, properties, storage(id, type, properties)));
        } catch (StorageException e) {
            boolean isPassing = PASSING.contains(e.error());
            isFinal &= !isPassing;
            String text = "storage '" + id + "' is left out: " + reason(id, e);
            boolean isConsequence = own.stream().anyMatch(Problem::isError);
            problems.add(new Problem(section.line(), text, !isPassing && !isConsequence));
            unusable.put(
                    section.id(),
                    new StorageException(
                            isPassing ? e.error() : StorageError.BAD_CONFIG,
                            Outcome.NOT_STARTED,
                            "line " + section.line() + " of storage.cfg: " + text,
                            e));
        }
        problems.addAll(own);
    }

    private boolean isFaulty(String id) {
        StorageException reason = unusable.get(id);
        return reason != null && reason.error() != StorageError.NOT_SUPPORTED;
    }

    private static String reason(StorageId id, StorageException e) {
        String text = e.getMessage().strip().replace('\n', ' ');
        String prefix = "storage '" + id + "': ";
        return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
    }

    /**
     * The properties of one section.
     *
     * @param problems gets what is left out of it
     * @throws StorageException if the section cannot be used
     */
    static Map<String, Object> resolve(Section section, StorageId id, StorageType type, List<Problem> problems) {
        Map<String, Object> texts = new LinkedHashMap<>();
        for (Property property : section.properties()) {
            try {
                take(texts, property, type);
            } catch (BadValueException e) {
                boolean isKnown = type.options().containsKey(property.name());
                problems.add(new Problem(property.line(), "storage '" + id + "': " + e.getMessage(), isKnown));
            }
        }
        texts.put("type", type.plugin().type());
        return check(
                id,
                type,
                texts,
                true,
                (name, text) -> problems.add(new Problem(
                        lineOf(section, name), "storage '" + id + "': property '" + name + "': " + text, false)));
    }

    private static void take(Map<String, Object> texts, Property property, StorageType type) {
        String name = property.name();
        if (name.equals("type") && type.plugin().type().equals(property.value())) {
            return;
        }
        if (!property.isUtf8()) {
            throw new BadValueException("property " + Quoted.of(name) + " is not valid UTF-8");
        }
        if (type.isArray(name)) {
            List<Object> items = new ArrayList<>();
            if (texts.get(name) instanceof List<?> before) {
                items.addAll(before);
            }
            items.add(type.check(name, property.value()));
            texts.put(name, List.copyOf(items));
        } else if (texts.containsKey(name)) {
            throw new BadValueException("property '" + name + "': duplicate attribute, the first counts");
        } else {
            texts.put(name, type.check(name, property.value()));
        }
    }

    private static int lineOf(Section section, String name) {
        return section.properties().stream()
                .filter(property -> property.name().equals(name))
                .map(Property::line)
                .findFirst()
                .orElse(section.line());
    }

    /**
     * The decoded properties, if the type and its plugin take them.
     *
     * @param texts with their type
     * @param isNew whether they are all, not only what changes
     * @param left told of the property and of what the type does not have of it
     * @throws StorageException {@code BAD_CONFIG}, or what the plugin says
     */
    static Map<String, Object> check(
            StorageId id, StorageType type, Map<String, Object> texts, boolean isNew, BiConsumer<String, String> left) {
        try {
            type.decode(texts, left);
            return type.decode(type.plugin().checkConfig(id, texts, isNew), (name, text) -> {});
        } catch (BadValueException e) {
            throw StorageException.refused(StorageError.BAD_CONFIG, "storage '" + id + "': " + e.getMessage());
        }
    }

    private static Storage storage(StorageId id, StorageType type, Map<String, Object> properties) {
        return new Storage(id, type.complete(properties));
    }

    /** In the order of the file. PVE has a {@code local} whatever the file says: on every node the same directory. */
    private Map<String, Storage> storages() {
        Map<String, Storage> storages = new LinkedHashMap<>();
        Found written = found.get(LOCAL);
        Map<String, Object> local = localProperties();
        if (written != null && isPves(written.storage().config())) {
            local = new LinkedHashMap<>(written.storage().config().properties());
            local.remove("nodes");
        } else if (written != null) {
            problems.add(new Problem(
                    written.section().line(),
                    "storage 'local' is always the directory " + LOCAL_PATH + ", this section does not count",
                    false));
        } else {
            storages.put(LOCAL, new Storage(new StorageId(LOCAL), new StorageConfig(DIR, local)));
        }
        found.forEach((id, storage) -> storages.put(id, storage.storage()));
        storages.put(LOCAL, new Storage(new StorageId(LOCAL), new StorageConfig(DIR, local)));
        unusable.remove(LOCAL);
        return storages;
    }

    private static boolean isPves(StorageConfig local) {
        return local.type().equals(DIR)
                && local.text("path").filter(LOCAL_PATH::equals).isPresent();
    }

    private static Map<String, Object> localProperties() {
        Map<String, String> content = new LinkedHashMap<>();
        for (String word : new String[] {"backup", "images", "iso", "rootdir", "snippets", "vztmpl"}) {
            content.put(word, "1");
        }
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("priority", "0");
        properties.put("path", LOCAL_PATH);
        properties.put("prune-backups", "keep-all=1");
        properties.put("content", content);
        return properties;
    }

    /**
     * The storage as it stands in the file, empty for a {@code local} that does not.
     *
     * @throws StorageException as {@link StorageConfigs#get}, or {@code BAD_CONFIG} for a section that does not count
     */
    Optional<Found> written(StorageId id) {
        configs.get(id);
        Found own = found.get(id.value());
        boolean counts = own == null
                ? sections(id).isEmpty()
                : !id.value().equals(LOCAL) || isPves(own.storage().config());
        if (!counts) {
            throw StorageException.refused(
                    StorageError.BAD_CONFIG,
                    "storage '" + id + "' is always the directory " + LOCAL_PATH
                            + ", but its section in storage.cfg says something else; correct it by hand first");
        }
        return Optional.ofNullable(own);
    }

    /** All sections of this id, whatever their type. */
    List<Section> sections(StorageId id) {
        return file.sections().stream()
                .filter(section -> section.id().equals(id.value()))
                .toList();
    }

    ConfigFile file() {
        return file;
    }

    StorageConfigs configs() {
        return configs;
    }

    /** Whether reading the same bytes again would give the same. */
    boolean isFinal() {
        return isFinal;
    }
}
