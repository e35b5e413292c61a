package dev.tenon.core.backup.host;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Directories and files that something may still be mounted on. */
final class MountPoint {
    private static final Logger LOG = LoggerFactory.getLogger(MountPoint.class);
    private static final Path TABLE = Path.of("/proc/self/mountinfo");
    private static final int PLACE = 4;

    private MountPoint() {}

    /** What is mounted below a directory, or on it, by the kernel's table. */
    static List<Path> below(Path directory) throws IOException {
        try (var lines = Files.lines(TABLE)) {
            return lines.map(line -> line.split(" ", -1)[PLACE])
                    .map(MountPoint::unescaped)
                    .map(Path::of)
                    .filter(path -> path.startsWith(directory))
                    .toList();
        }
    }

    /** Whether the root directory is one. It is none after chroot, and nothing can change how mounts spread there. */
    static boolean isRoot() {
        Path root = Path.of("/");
        try {
            return below(root).contains(root);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Blanks and the like are three octal digits there. */
    private static String unescaped(String name) {
        return name.replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
    }

    /** Unmounts what a killed FUSE program left mounted, even if it is still in use. */
    static void release(Path place) {
        try {
            if (below(place).contains(place)) {
                Command.of("umount", "-l", place.toString()).run();
            }
        } catch (IOException | StorageException e) {
            LOG.warn("event=mount-left place={} reason=\"{}\"", place, e.getMessage());
        }
    }
}
