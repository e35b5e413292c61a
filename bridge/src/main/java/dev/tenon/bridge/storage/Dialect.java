package dev.tenon.bridge.storage;

import dev.tenon.proto.Method;
import java.util.Set;

/**
 * What a plugin understands: the API level that it declares, and the methods that it implements itself. The level alone is
 * not enough: some methods came without a new one, and some plugins declare whatever the host has.
 */
public record Dialect(int level, Set<String> overrides) {
    public Dialect {
        overrides = Set.copyOf(overrides);
    }

    /** Whether the plugin has its own implementation of a method. */
    boolean overrides(String method) {
        return overrides.contains(method);
    }

    /** Whether the method is part of the plugin's level, or the plugin has it all the same and means it. */
    boolean has(String method) {
        Method row = StorageApi.API.method(method);
        return row.isIn(level) || (overrides(method) && !row.isDeclared());
    }
}
