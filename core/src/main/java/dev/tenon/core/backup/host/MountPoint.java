package dev.tenon.core.backup.host;

import dev.tenon.core.command.Command;
import dev.tenon.core.linux.MountTable;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Directories and files that something may still be mounted on. */
final class MountPoint {
    private static final Logger LOG = LoggerFactory.getLogger(MountPoint.class);

    private MountPoint() {}

    /** Whether the root directory is one. It is none after chroot, and nothing can change how mounts spread there. */
    static boolean isRoot() {
        Path root = Path.of("/");
        try {
            return MountTable.below(root).contains(root);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Unmounts what a killed FUSE program left mounted, even if it is still in use. */
    static void release(Path place) {
        try {
            if (MountTable.below(place).contains(place)) {
                Command.of("umount", "-l", place.toString()).run();
            }
        } catch (IOException | StorageException e) {
            LOG.warn("event=mount-left place={} reason=\"{}\"", place, e.getMessage());
        }
    }
}
