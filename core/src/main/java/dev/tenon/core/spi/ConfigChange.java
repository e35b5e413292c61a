package dev.tenon.core.spi;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A request to change a storage's configuration.
 *
 * @param set property to its new value, decoded as in {@link StorageConfig}
 * @param deleted the properties to delete
 * @param secrets the sensitive properties, which are in neither of the others
 */
public record ConfigChange(Map<String, Object> set, List<String> deleted, Secrets secrets) {
    public ConfigChange {
        set = Collections.unmodifiableMap(new LinkedHashMap<>(set));
        deleted = List.copyOf(deleted);
    }
}
