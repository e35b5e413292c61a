package dev.tenon.bridge.perl;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a plugin is hosted.
 *
 * @param plugin the plugin file, unmodified
 * @param perlShim the directory that holds {@code bin/tenon-sidecar}, {@code lib} and {@code compat}
 * @param pveLibrary a directory with PVE's own Perl libraries, null to take an installed PVE or else the compat layer
 * @param runtime a directory of mode 0700 for sockets, on a path of at most 60 bytes
 * @param acceptsOld whether a plugin of an API level below 9, which no PVE of today loads, is hosted all the same
 * @param startLimit how long compiling the plugin and saying hello may take
 * @param stopLimit how long a plugin may take to log out of its storage before it is killed
 * @param callLimit how long a call may take at most; shorter than a method's own limit, it holds in its place
 */
public record SidecarSettings(
        Path plugin,
        Path perlShim,
        @Nullable Path pveLibrary,
        Path runtime,
        boolean acceptsOld,
        Duration startLimit,
        Duration stopLimit,
        Duration callLimit) {

    /** With 30 seconds to start and 5 to stop, and the methods' own limits. */
    public static SidecarSettings of(Path plugin, Path perlShim, @Nullable Path pveLibrary, Path runtime) {
        return new SidecarSettings(
                plugin,
                perlShim,
                pveLibrary,
                runtime,
                false,
                Duration.ofSeconds(30),
                Duration.ofSeconds(5),
                Duration.ofDays(1));
    }

    /** The same with this limit for every call. */
    public SidecarSettings withCallLimit(Duration limit) {
        return new SidecarSettings(plugin, perlShim, pveLibrary, runtime, acceptsOld, startLimit, stopLimit, limit);
    }

    /** The same with this limit for the stop. */
    public SidecarSettings withStopLimit(Duration limit) {
        return new SidecarSettings(plugin, perlShim, pveLibrary, runtime, acceptsOld, startLimit, limit, callLimit);
    }

    /** The same for a plugin of any API level. */
    public SidecarSettings acceptingOld(boolean accepts) {
        return new SidecarSettings(plugin, perlShim, pveLibrary, runtime, accepts, startLimit, stopLimit, callLimit);
    }
}
