package dev.tenon.core.spi;

import java.util.LinkedHashMap;
import java.util.Map;

/** A configured storage: its id and its configuration. Every call that concerns a storage gets one. */
public record Storage(StorageId id, StorageConfig config) {
    /** A storage with this id, type (for instance {@code nas} and {@code dir}) and these properties. */
    public static Storage of(String id, String type, Map<String, ?> properties) {
        return new Storage(new StorageId(id), new StorageConfig(type, new LinkedHashMap<>(properties)));
    }
}
