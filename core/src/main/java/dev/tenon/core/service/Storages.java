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

    Storages(Supplier<StorageConfigs> configs, Map<String, StoragePlugin> types, String node) {
        this.configs = configs;
        this.types = Map.copyOf(types);
        this.node = node;
    }

    /**
     * The storage of this id, whether or not it is enabled.
     *
     * @throws StorageException {@code NOT_FOUND}; {@code NOT_SUPPORTED} if nobody answers for its type
     */
    Configured get(StorageId id) {
        return configured(configs.get().get(id));
    }

    /** A storage, and who answers for its type. */
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

    /** All storages whose type somebody answers for, in the order of the configuration. */
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
