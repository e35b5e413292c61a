package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.lock.Locks;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Where the types find what they need on a node, and how long they wait.
 *
 * @param programs the directory of LVM's commands, {@code /sbin}
 * @param devices where a volume group has a directory with its active volumes, {@code /dev}
 * @param locks those of PVE
 * @param read how long a question to LVM may take
 * @param change how long a change may take
 */
public record LvmHost(Path programs, Path devices, Locks locks, Duration read, Duration change) {
    /** This node as PVE uses it. */
    public static LvmHost usual() {
        return new LvmHost(
                Path.of("/sbin"), Path.of("/dev"), Locks.ofHost(), Duration.ofSeconds(30), Duration.ofMinutes(5));
    }

    String program(String name) {
        return programs.resolve(name).toString();
    }
}
