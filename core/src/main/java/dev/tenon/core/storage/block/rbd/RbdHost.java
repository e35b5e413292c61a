package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.lock.Locks;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Where the type finds what it needs on a node, and how long it waits.
 *
 * @param programs the directory of Ceph's commands, {@code /usr/bin}
 * @param etc where PVE keeps {@code ceph.conf}, and below {@code priv/ceph} the keyrings of storages, {@code /etc/pve}
 * @param devices where mapped images are, {@code /dev}
 * @param kernel where the kernel tells of mapped images, {@code /sys/devices/rbd}
 * @param hasLibrary whether librados is used where it is installed, and not only commands
 * @param locks those of PVE
 * @param read how long a question to the cluster may take
 * @param change how long a change may take that does not grow with the image
 */
public record RbdHost(
        Path programs,
        Path etc,
        Path devices,
        Path kernel,
        boolean hasLibrary,
        Locks locks,
        Duration read,
        Duration change) {
    /** How long a change may take that grows with the image. */
    static final Duration LONGEST = Duration.ofDays(1);

    /** This node as PVE uses it. */
    public static RbdHost usual() {
        return new RbdHost(
                Path.of("/usr/bin"),
                Path.of("/etc/pve"),
                Path.of("/dev"),
                Path.of("/sys/devices/rbd"),
                true,
                Locks.ofHost(),
                Duration.ofSeconds(30),
                Duration.ofMinutes(5));
    }

    String program(String name) {
        return programs.resolve(name).toString();
    }

    Path cephDirectory() {
        return etc.resolve("priv/ceph");
    }
}
