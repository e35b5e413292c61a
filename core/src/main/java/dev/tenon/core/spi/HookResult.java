package dev.tenon.core.spi;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a hook did with the configuration.
 *
 * @param properties what is written: for a new storage its properties, for a changed one those that change
 * @param answer further data for the caller, for instance a generated key; usually empty
 */
public record HookResult(Map<String, Object> properties, Map<String, Object> answer) {
    public HookResult {
        properties = Collections.unmodifiableMap(new LinkedHashMap<>(properties));
        answer = Collections.unmodifiableMap(new LinkedHashMap<>(answer));
    }
}
