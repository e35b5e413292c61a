package dev.tenon.core.service;

import dev.tenon.core.config.StorageConfigs;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;

/** The configured storages as one node sees them. */
final class Storages {
    private final Supplier<StorageConfigs> configs;
    private final Map<String, StoragePlugin> types;
    private final String node;
    private final boolean isReading;

    Storages(Supplier<StorageConfigs> configs, Map<String, StoragePlugin> types, String node) {
        this(configs, types, node, false);
    }

    private Storages(
            Supplier<StorageConfigs> configs, Map<String, StoragePlugin> types, String node, boolean isReading) {
        this.configs = configs;
        this.types = Map.copyOf(types);
        this.node = node;
        this.isReading = isReading;
    }

    /** The same for a user who only reads. */
    Storages reading() {
        return new Storages(configs, types, node, true);
    }

    /** Whether directories that a storage of this node lacks are not to be made. */
    boolean isReading() {
        return isReading;
    }

    /**
     * The storage of this id, whether or not it is enabled.
     *
     * @throws StorageException {@code NOT_FOUND}; {@code NOT_SUPPORTED} if no plugin has its type
     */
    Configured get(StorageId id) {
        return configured(configs.get().get(id));
    }

    /** A storage, and the plugin of its type. */
    Configured configured(Storage storage) {
        StoragePlugin plugin = types.get(storage.config().type());
        if (plugin == null) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "storage '" + storage.id() + "' is of type '"
                            + storage.config().type() + "', which no plugin answers for; known are "
                            + String.join(", ", new TreeSet<>(types.keySet())));
        }
        return new Configured(storage, plugin);
    }

    /** All storages whose type has a plugin, in the order of the configuration. */
    List<Configured> all() {
        return configs.get().all().stream()
                .filter(storage -> types.containsKey(storage.config().type()))
                .map(this::configured)
                .toList();
    }

    /**
     * The storage of this id, if it may be used here.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if it is disabled or kept from this node
     */
    Configured enabled(StorageId id) {
        Configured configured = get(id);
        if (isDisabled(configured)) {
            throw StorageException.refused(StorageError.STORAGE_UNAVAILABLE, "storage '" + id + "' is disabled");
        }
        if (!isOfThisNode(configured)) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE, "storage '" + id + "' is not available on node '" + node + "'");
        }
        return configured;
    }

    boolean isEnabled(Configured configured) {
        return !isDisabled(configured) && isOfThisNode(configured);
    }

    private static boolean isDisabled(Configured configured) {
        return configured.storage().config().flag("disable", false);
    }

    private boolean isOfThisNode(Configured configured) {
        Set<String> nodes = configured.storage().config().words("nodes");
        return nodes.isEmpty() || nodes.contains(node);
    }
}
