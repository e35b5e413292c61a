package dev.tenon.core.service;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;

/** A configured storage, and the plugin of its type. */
record Configured(Storage storage, StoragePlugin plugin) {
    StorageId id() {
        return storage.id();
    }

    boolean isShared() {
        return storage.config().flag("shared", false);
    }
}
