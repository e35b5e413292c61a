package dev.tenon.bridge.perl;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a plugin is hosted.
 *
 * @param plugin the plugin file, unmodified
 * @param perlShim the directory that holds {@code bin/tenon-sidecar}, {@code lib} and {@code compat}
 * @param pveLibrary a directory with PVE's own Perl libraries, null to take an installed PVE or else the compat layer
 * @param runtime a directory of mode 0700 for sockets, on a path of at most 60 bytes
 * @param acceptsOld whether a plugin of an API level below 9, which no PVE of today loads, is hosted all the same
 * @param members how many processes there are at most, each in one call at a time; with 1 the plugin is alone in the
 *     process that has loaded it, which plugins need that cannot be forked
 * @param limits how long things may take, where it is not the usual time
 * @param bitmaps the directory in which the bitmap ids of backup providers of the draft last; null for {@code
 *     /var/lib/tenon/bitmaps}. The variable {@code TENON_BITMAP_DIR} says otherwise
 */
public record SidecarSettings(
        Path plugin,
        Path perlShim,
        @Nullable Path pveLibrary,
        Path runtime,
        boolean acceptsOld,
        int members,
        Map<Limit, Duration> limits,
        @Nullable Path bitmaps) {
    /** How many processes a plugin has at most, unless somebody says otherwise. */
    public static final int USUAL_MEMBERS = 16;

    /** What takes a limited time. */
    public enum Limit {
        /** Compiling the plugin and saying hello; usually 30 seconds. */
        START(Duration.ofSeconds(30)),
        /** Logging out of the plugin's storage; after it the process is killed. Usually 5 seconds. */
        STOP(Duration.ofSeconds(5)),
        /** A call, if its method has no shorter limit of its own; usually a week, which no method has more than. */
        CALL(Duration.ofDays(7)),
        /** The wait of a short call for a member that is free; usually 10 seconds. */
        WAIT(Duration.ofSeconds(10)),
        /** A process without a call, which ends then unless it is the last one; usually a minute. */
        IDLE(Duration.ofMinutes(1));

        private final Duration usual;

        Limit(Duration usual) {
            this.usual = usual;
        }
    }

    public SidecarSettings {
        if (members < 1) {
            throw new IllegalArgumentException("a plugin needs at least 1 process, not " + members);
        }
        limits = Map.copyOf(limits);
    }

    /** With the usual limits and 16 processes. */
    public static SidecarSettings of(Path plugin, Path perlShim, @Nullable Path pveLibrary, Path runtime) {
        return new SidecarSettings(plugin, perlShim, pveLibrary, runtime, false, USUAL_MEMBERS, Map.of(), null);
    }

    /**
     * The same with the Perl library of this release, on the PVE that is installed, or else on the compat layer.
     *
     * @throws IOException if the library cannot be unpacked
     */
    public static SidecarSettings of(Path plugin, Path runtime) throws IOException {
        return of(plugin, PerlLibrary.directory(), null, runtime);
    }

    /** How long this may take. */
    public Duration limit(Limit of) {
        return Objects.requireNonNull(limits.getOrDefault(of, of.usual));
    }

    /** The same with this limit. */
    public SidecarSettings with(Limit of, Duration limit) {
        Map<Limit, Duration> changed = new EnumMap<>(Limit.class);
        changed.putAll(limits);
        changed.put(of, limit);
        return new SidecarSettings(plugin, perlShim, pveLibrary, runtime, acceptsOld, members, changed, bitmaps);
    }

    /** The same for a plugin of any API level. */
    public SidecarSettings acceptingOld(boolean accepts) {
        return new SidecarSettings(plugin, perlShim, pveLibrary, runtime, accepts, members, limits, bitmaps);
    }

    /** The same with so many processes at most. */
    public SidecarSettings withMembers(int most) {
        return new SidecarSettings(plugin, perlShim, pveLibrary, runtime, acceptsOld, most, limits, bitmaps);
    }

    /** The same with the bitmap ids of the draft in this directory. */
    public SidecarSettings withBitmaps(Path directory) {
        return new SidecarSettings(plugin, perlShim, pveLibrary, runtime, acceptsOld, members, limits, directory);
    }
}
