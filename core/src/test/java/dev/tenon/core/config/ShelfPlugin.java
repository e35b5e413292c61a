package dev.tenon.core.config;

import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.directory.DirectoryPlugin;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A storage type that has a property of every kind, keeps its secrets to itself and writes down what it is told. */
final class ShelfPlugin extends DirectoryPlugin {
    static final PropertyOption REQUIRED = new PropertyOption(false, false);
    static final PropertyOption FIXED = new PropertyOption(false, true);
    static final PropertyOption OPTIONAL = new PropertyOption(true, false);
    static final PropertyOption OPTIONAL_FIXED = new PropertyOption(true, true);

    final Map<StorageId, String> passwords = new LinkedHashMap<>();
    final List<String> told = new ArrayList<>();
    final Map<String, Object> adds = new LinkedHashMap<>();
    Optional<StorageException> atAdding = Optional.empty();
    Optional<StorageException> atDeleting = Optional.empty();
    Optional<StorageException> atChecking = Optional.empty();
    Runnable atUpdating = () -> {};
    int checks;

    @Override
    public String type() {
        return "shelf";
    }

    @Override
    public PluginData pluginData() {
        return new PluginData(
                Set.of("images", "rootdir"),
                Set.of("images"),
                Set.of("raw", "qcow2"),
                "raw",
                Set.of("password", "key"),
                Set.of(),
                false,
                Map.of());
    }

    @Override
    public Map<String, PropertySchema> properties() {
        return Map.of(
                "room", new PropertySchema(Map.of("type", "string", "pattern", "[a-z]+")),
                "height", new PropertySchema(Map.of("type", "number", "minimum", "0.5", "maximum", 4)),
                "boards", new PropertySchema(Map.of("type", "integer", "minimum", 1)),
                "wood", new PropertySchema(Map.of("type", "string", "enum", List.of("oak", "ash"))),
                "label",
                        new PropertySchema(
                                Map.of("type", "array", "items", Map.of("type", "string", "maxLength", "9"))),
                "limits",
                        new PropertySchema(Map.of(
                                "type",
                                "string",
                                "format",
                                Map.of(
                                        "weight", Map.of("type", "integer", "default_key", "1"),
                                        "open", Map.of("type", "boolean", "optional", "1")))),
                "key", new PropertySchema(Map.of("type", "string", "maxLength", 8)));
    }

    @Override
    public Map<String, PropertyOption> options() {
        Map<String, PropertyOption> options = new LinkedHashMap<>();
        options.put("room", FIXED);
        options.put("wood", REQUIRED);
        options.put("base", OPTIONAL_FIXED);
        for (String name : new String[] {
            "height",
            "boards",
            "label",
            "limits",
            "key",
            "password",
            "nodes",
            "content",
            "disable",
            "shared",
            "format",
            "port",
            "server",
            "portal",
            "monhost",
            "options",
            "vgname",
            "blocksize",
            "preallocation",
            "fingerprint",
            "content-dirs",
            "prune-backups",
            "max-protected-backups",
            "strange"
        }) {
            options.put(name, OPTIONAL);
        }
        return options;
    }

    @Override
    public Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
        checks++;
        atChecking.ifPresent(failure -> {
            throw failure;
        });
        return super.checkConfig(storage, properties, isNew);
    }

    @Override
    public HookResult onAdd(Storage storage, Secrets secrets) {
        told.add("add " + storage.id() + " " + storage.config().properties());
        atAdding.ifPresent(failure -> {
            throw failure;
        });
        keep(storage, secrets);
        Map<String, Object> properties = new LinkedHashMap<>(storage.config().properties());
        properties.putAll(adds);
        return new HookResult(properties, Map.of("number", "7"));
    }

    @Override
    public HookResult onUpdate(Storage storage, ConfigChange change) {
        told.add("update " + storage.id() + " " + change.set() + " " + change.deleted() + " "
                + change.secrets().deleted());
        atUpdating.run();
        keep(storage, change.secrets());
        Map<String, Object> properties = new LinkedHashMap<>(change.set());
        properties.putAll(adds);
        return new HookResult(properties, Map.of());
    }

    private void keep(Storage storage, Secrets secrets) {
        secrets.changes().forEach((name, value) -> {
            if (value.isPresent()) {
                passwords.put(storage.id(), value.get());
            } else {
                passwords.remove(storage.id());
            }
        });
    }

    @Override
    public void onDelete(Storage storage) {
        told.add("delete " + storage.id());
        atDeleting.ifPresent(failure -> {
            throw failure;
        });
        passwords.remove(storage.id());
    }

    static StorageException failure(StorageError error, String text) {
        return StorageException.refused(error, text);
    }
}
