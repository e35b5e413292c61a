package dev.tenon.core.spi;

import java.util.Set;

/**
 * The image formats of a storage (PVE's {@code get_formats}).
 *
 * @param preferred the one used if none is asked for
 * @param valid all that may be asked for, including the preferred one
 */
public record Formats(Format preferred, Set<Format> valid) {
    public Formats {
        valid = Set.copyOf(valid);
    }
}
