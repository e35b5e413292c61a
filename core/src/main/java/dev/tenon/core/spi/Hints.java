package dev.tenon.core.spi;

import java.util.Map;
import java.util.Set;

/**
 * What the host tells a plugin when it activates or maps a volume. Hints are advice; an unknown one is ignored.
 *
 * @param values name to value, as PVE's {@code hints_properties} name them; booleans are 0 and 1
 */
public record Hints(Map<String, Long> values) {
    public static final Hints NONE = new Hints(Map.of());

    private static final String GUEST_IS_WINDOWS = "guest-is-windows";
    private static final String MAY_DEACTIVATE = "plugin-may-deactivate-volume";

    /** The hints that PVE names today; all are booleans. */
    public static final Set<String> KNOWN = Set.of(GUEST_IS_WINDOWS, MAY_DEACTIVATE);

    public Hints {
        values = Map.copyOf(values);
    }
}
