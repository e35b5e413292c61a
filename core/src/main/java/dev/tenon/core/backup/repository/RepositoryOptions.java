package dev.tenon.core.backup.repository;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a new repository shall have.
 *
 * @param keys by what it is opened, by name; empty for one that is not encrypted
 * @param parity how much is added to each pack, in percent, by which damage can be repaired: 0 for none, to 100
 */
public record RepositoryOptions(Map<String, Unlocking> keys, int parity) {
    /** Neither encrypted nor with parity. */
    public static final RepositoryOptions NONE = new RepositoryOptions(Map.of(), 0);

    public RepositoryOptions {
        keys = Collections.unmodifiableMap(new LinkedHashMap<>(keys));
        if (parity < 0 || parity > 100) {
            throw new IllegalArgumentException("a parity of " + parity + " percent is not 0 to 100");
        }
    }
}
