package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.lock.Locks;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Where the type finds what it needs on a node, and how long it waits.
 *
 * @param programs the directory of ZFS's commands, {@code /sbin}
 * @param volumes where the devices of volumes are, by pool and name, {@code /dev/zvol}
 * @param mounts what the kernel tells of mounted file systems, {@code /proc/mounts}
 * @param locks those of PVE
 * @param read how long a question may take
 * @param change how long a change may take
 * @param appearance how long udev may take to link a volume's name to its device, or to remove the link
 */
public record ZfsHost(
        Path programs, Path volumes, Path mounts, Locks locks, Duration read, Duration change, Duration appearance) {
    /** How long a stream may take. */
    static final Duration LONGEST = Duration.ofDays(1);

    /** This node as PVE uses it. */
    public static ZfsHost usual() {
        return new ZfsHost(
                Path.of("/sbin"),
                Path.of("/dev/zvol"),
                Path.of("/proc/mounts"),
                Locks.ofHost(),
                Duration.ofSeconds(30),
                Duration.ofMinutes(5),
                Duration.ofSeconds(30));
    }

    String program(String name) {
        return programs.resolve(name).toString();
    }
}
