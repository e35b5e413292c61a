package dev.tenon.core.spi;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The sensitive properties of a request that adds or changes a storage. They are never in {@code storage.cfg}: the
 * plugin stores them. Secrets that are not named stay as they are.
 *
 * @param changes property to its new value, or to empty to delete it
 */
public record Secrets(Map<String, Optional<String>> changes) {
    public static final Secrets NONE = new Secrets(Map.of());

    public Secrets {
        changes = Collections.unmodifiableMap(new LinkedHashMap<>(changes));
    }

    /** The properties to delete. */
    public Set<String> deleted() {
        Set<String> deleted = new TreeSet<>();
        changes.forEach((name, value) -> {
            if (value.isEmpty()) {
                deleted.add(name);
            }
        });
        return deleted;
    }

    /** Never shows a secret. */
    @Override
    public String toString() {
        return "Secrets" + changes.keySet();
    }
}
