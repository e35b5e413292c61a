package dev.tenon.core.storage.directory;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.Format;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;

/** Images are files, and subvolumes are directories. */
final class FileCreation implements ImageCreation {
    /** The root directory of a container must be open to all, whatever the umask. */
    private static final Set<PosixFilePermission> SUBVOLUME_MODE = PosixFilePermissions.fromString("rwxr-xr-x");

    private static final Duration REMOVAL_DEADLINE = Duration.ofHours(1);

    @Override
    public String entryName(String imageName, Format.Image format) {
        return imageName;
    }

    @Override
    public Path content(Path entry, Format.Image format) {
        return entry;
    }

    @Override
    public void make(Path entry, Format.Image format) throws IOException {
        if (format == Format.Image.SUBVOL) {
            Files.createDirectory(entry);
            Files.setPosixFilePermissions(entry, SUBVOLUME_MODE);
        }
    }

    @Override
    public void protect(Path entry) {
        BaseImages.protect(entry);
    }

    /** What a container left is hostile (links, paths longer than any system call takes), and rm knows all of that. */
    @Override
    public void removeTree(Path directory) {
        Command.of("rm", "-rf", "--one-file-system", "--", directory.toString())
                .withErrorPrefix("unable to remove '" + directory + "'")
                .withDeadline(REMOVAL_DEADLINE)
                .run();
    }
}
