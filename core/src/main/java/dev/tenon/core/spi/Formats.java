package dev.tenon.core.spi;

import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The image formats of a storage (PVE's {@code get_formats}).
 *
 * @param preferred the one used if none is asked for
 * @param valid all that may be asked for; the preferred one is always among them
 */
public record Formats(Format preferred, Set<Format> valid) {
    public Formats {
        Set<Format> all = new LinkedHashSet<>(valid);
        all.add(preferred);
        valid = Set.copyOf(all);
    }
}
