package dev.tenon.core.config;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** All configured storages as they were at one moment. */
public final class StorageConfigs {
    private final Map<String, Storage> storages;
    private final Map<String, StorageException> unusable;
    private final List<Problem> problems;
    private final String digest;

    StorageConfigs(
            Map<String, Storage> storages,
            Map<String, StorageException> unusable,
            List<Problem> problems,
            String digest) {
        this.storages = Collections.unmodifiableMap(new LinkedHashMap<>(storages));
        this.unusable = Map.copyOf(unusable);
        this.problems = List.copyOf(problems);
        this.digest = digest;
    }

    /**
     * The storage of this id.
     *
     * @throws StorageException {@code NOT_FOUND} if there is none; {@code BAD_CONFIG} if its section has a fault,
     *     {@code NOT_SUPPORTED} if its type is unknown
     */
    public Storage get(StorageId id) {
        Storage storage = storages.get(id.value());
        if (storage != null) {
            return storage;
        }
        StorageException reason = unusable.get(id.value());
        if (reason != null) {
            throw new StorageException(reason.error(), reason.outcome(), reason.getMessage(), reason);
        }
        throw StorageException.refused(StorageError.NOT_FOUND, "storage '" + id + "' does not exist");
    }

    /** The storages that can be used, in the order of the file; {@code local} is always there. */
    public List<Storage> all() {
        return new ArrayList<>(storages.values());
    }

    /** What was left out, by line. */
    public List<Problem> problems() {
        return problems;
    }

    /** The SHA-1 of the file, in hexadecimal; a change can be made to depend on it. */
    public String digest() {
        return digest;
    }
}
