package dev.tenon.core.storage.mounted;

import dev.tenon.core.lock.Locks;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * Where storages that are mounted find what they need on this node.
 *
 * @param mounts what is mounted, {@code /proc/mounts}
 * @param programs directories in which the programs of the host are looked for first
 * @param etc PVE's configuration, usually {@code /etc/pve}, with the secrets of the storages in {@code priv}
 * @param units systemd's units until the next boot, {@code /run/systemd/system}
 */
public record MountHost(Path mounts, List<Path> programs, Path etc, Path units) {
    /** This node as PVE uses it; where there is no PVE, what it keeps in {@code /etc/pve} is in {@code /etc/tenon}. */
    public static final MountHost USUAL = new MountHost(
            Path.of("/proc/mounts"),
            List.of(),
            Objects.requireNonNullElse(Locks.ofHost().cluster(), Path.of("/etc/tenon")),
            Path.of("/run/systemd/system"));

    public MountHost {
        programs = List.copyOf(programs);
    }

    /**
     * The program to run.
     *
     * @param usual where PVE expects it
     */
    public String program(String usual) {
        Path name = Path.of(usual).getFileName();
        return programs.stream()
                .map(directory -> directory.resolve(name))
                .filter(Files::isExecutable)
                .findFirst()
                .map(Path::toString)
                .orElse(usual);
    }
}
