package dev.tenon.core.spi;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a hook made of the configuration.
 *
 * @param properties what is written: for a new storage its properties, for a changed one those that change
 * @param answer what whoever asked is told besides, for instance a generated key; mostly empty
 */
public record HookResult(Map<String, Object> properties, Map<String, Object> answer) {
    public HookResult {
        properties = Collections.unmodifiableMap(new LinkedHashMap<>(properties));
        answer = Collections.unmodifiableMap(new LinkedHashMap<>(answer));
    }
}
