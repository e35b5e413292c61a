package dev.tenon.core.spi;

import java.util.Map;

/**
 * What the host tells a plugin when it activates or maps a volume. Hints are advice; one that is not known is ignored.
 *
 * @param values name to value, as PVE's {@code hints_properties} name them; booleans are 0 and 1
 */
public record Hints(Map<String, Long> values) {
    public static final Hints NONE = new Hints(Map.of());

    public Hints {
        values = Map.copyOf(values);
    }

    public boolean guestIsWindows() {
        return isSet("guest-is-windows");
    }

    /** Whether the volume may be deactivated and activated again to apply another hint. */
    public boolean pluginMayDeactivateVolume() {
        return isSet("plugin-may-deactivate-volume");
    }

    private boolean isSet(String name) {
        return values.getOrDefault(name, 0L) != 0;
    }
}
