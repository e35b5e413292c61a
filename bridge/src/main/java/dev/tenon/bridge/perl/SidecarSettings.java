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
 * @param members how many processes there are at most, each in one call at a time; with 1 the plugin is alone in the
 *     process that has loaded it, which plugins need that cannot be forked
 * @param waitLimit how long a short call may wait for a member that is free
 * @param idleLimit after which time without a call a process ends, but for the last one
 */
public record SidecarSettings(
        Path plugin,
        Path perlShim,
        @Nullable Path pveLibrary,
        Path runtime,
        boolean acceptsOld,
        Duration startLimit,
        Duration stopLimit,
        Duration callLimit,
        int members,
        Duration waitLimit,
        Duration idleLimit) {
    /** So many processes there are at most unless somebody says otherwise. */
    public static final int USUAL_MEMBERS = 16;

    public SidecarSettings {
        if (members < 1) {
            throw new IllegalArgumentException("a plugin needs at least 1 process, not " + members);
        }
    }

    /**
     * With 30 seconds to start and 5 to stop, the methods' own limits, and 16 processes, which end after a minute without
     * a call.
     */
    public static SidecarSettings of(Path plugin, Path perlShim, @Nullable Path pveLibrary, Path runtime) {
        return new SidecarSettings(
                plugin,
                perlShim,
                pveLibrary,
                runtime,
                false,
                Duration.ofSeconds(30),
                Duration.ofSeconds(5),
                Duration.ofDays(1),
                USUAL_MEMBERS,
                Duration.ofSeconds(10),
                Duration.ofMinutes(1));
    }

    /** The same with this limit for every call. */
    public SidecarSettings withCallLimit(Duration limit) {
        return new SidecarSettings(
                plugin,
                perlShim,
                pveLibrary,
                runtime,
                acceptsOld,
                startLimit,
                stopLimit,
                limit,
                members,
                waitLimit,
                idleLimit);
    }

    /** The same with this limit for the start. */
    public SidecarSettings withStartLimit(Duration limit) {
        return new SidecarSettings(
                plugin,
                perlShim,
                pveLibrary,
                runtime,
                acceptsOld,
                limit,
                stopLimit,
                callLimit,
                members,
                waitLimit,
                idleLimit);
    }

    /** The same with this limit for the stop. */
    public SidecarSettings withStopLimit(Duration limit) {
        return new SidecarSettings(
                plugin,
                perlShim,
                pveLibrary,
                runtime,
                acceptsOld,
                startLimit,
                limit,
                callLimit,
                members,
                waitLimit,
                idleLimit);
    }

    /** The same for a plugin of any API level. */
    public SidecarSettings acceptingOld(boolean accepts) {
        return new SidecarSettings(
                plugin,
                perlShim,
                pveLibrary,
                runtime,
                accepts,
                startLimit,
                stopLimit,
                callLimit,
                members,
                waitLimit,
                idleLimit);
    }

    /** The same with so many processes at most. */
    public SidecarSettings withMembers(int most) {
        return new SidecarSettings(
                plugin,
                perlShim,
                pveLibrary,
                runtime,
                acceptsOld,
                startLimit,
                stopLimit,
                callLimit,
                most,
                waitLimit,
                idleLimit);
    }

    /** The same with this limit for the wait of a short call. */
    public SidecarSettings withWaitLimit(Duration limit) {
        return new SidecarSettings(
                plugin,
                perlShim,
                pveLibrary,
                runtime,
                acceptsOld,
                startLimit,
                stopLimit,
                callLimit,
                members,
                limit,
                idleLimit);
    }

    /** The same with processes that end after this time without a call. */
    public SidecarSettings withIdleLimit(Duration limit) {
        return new SidecarSettings(
                plugin,
                perlShim,
                pveLibrary,
                runtime,
                acceptsOld,
                startLimit,
                stopLimit,
                callLimit,
                members,
                waitLimit,
                limit);
    }
}
