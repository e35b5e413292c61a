package dev.tenon.core.spi.backup;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/**
 * The files of a container at one point in time.
 *
 * @param directory its root, as the process that holds it names it
 * @param sources which parts of it to read, relative to the root: {@code ./} and {@code ./} with each mount point, or {@code
 *     .}; other file systems below are left out
 * @param rootId the host's user id of the container's root, 0 if the container is privileged
 * @param holder the process in whose mount namespace the tree is, empty if it is in this process's own: for {@link
 *     BackupProvider#prepareContainer} the host's worker, in whose user namespace ids are the host's; for {@link
 *     BackupProvider#backupContainer} its child, in whose user namespace they are the container's, and which has what the
 *     provider mounted for the worker meanwhile
 */
public record ContainerTree(Path directory, List<String> sources, long rootId, OptionalLong holder) {
    public ContainerTree {
        sources = List.copyOf(sources);
    }

    /** The root as this process, as root, reaches it; while the call runs. Files have the host's owners there. */
    public Path reachable() {
        return holder.isEmpty() ? directory : Path.of("/proc/" + holder.getAsLong() + "/root" + directory);
    }

    /** How the host's owners are the container's; while the call runs. */
    public ContainerIds ids() {
        return holder.isEmpty() ? ContainerIds.SAME : ContainerIds.of(holder.getAsLong());
    }
}
