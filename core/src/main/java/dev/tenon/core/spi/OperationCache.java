package dev.tenon.core.spi;

import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * What the calls of one operation share (PVE's {@code $cache}): a plugin may keep in it what is expensive to find out
 * twice, such as the list of mounts. It lives as long as one operation of the host. It never crosses to another process;
 * its {@link #id()} does.
 */
public final class OperationCache {
    private final String id;
    private final Map<String, Object> values = new ConcurrentHashMap<>();

    private OperationCache(String id) {
        this.id = id;
    }

    /** The cache of a new operation. */
    public static OperationCache create() {
        return new OperationCache(UUID.randomUUID().toString());
    }

    /** The cache of the operation that has this id in another process. */
    public static OperationCache of(String id) {
        return new OperationCache(id);
    }

    public String id() {
        return id;
    }

    /** The value for this key; computed now if there is none yet. Prefix the key with the storage type. */
    public <T> T get(String key, Class<T> type, Supplier<T> absent) {
        return type.cast(values.computeIfAbsent(key, ignored -> absent.get()));
    }
}
