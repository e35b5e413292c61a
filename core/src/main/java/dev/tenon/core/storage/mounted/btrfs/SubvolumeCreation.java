package dev.tenon.core.storage.mounted.btrfs;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.storage.directory.ImageCreation;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Raw images are files in subvolumes of their own, subvolumes of containers are subvolumes; other images are files.
 *
 * @param isNocow whether what is written to a raw image stays in its place, without checksums
 */
record SubvolumeCreation(boolean isNocow) implements ImageCreation {
    /** The file in the subvolume of a raw image. */
    static final String DISK = "disk.raw";

    private static final Logger LOG = LoggerFactory.getLogger(SubvolumeCreation.class);

    static String withoutSuffix(String imageName) {
        return imageName.substring(0, imageName.length() - ".raw".length());
    }

    @Override
    public String entryName(String imageName, Format.Image format) {
        return format == Format.Image.RAW ? withoutSuffix(imageName) : imageName;
    }

    @Override
    public Path content(Path entry, Format.Image format) {
        return format == Format.Image.RAW ? entry.resolve(DISK) : entry;
    }

    @Override
    public void make(Path entry, Format.Image format) throws IOException {
        if (format != Format.Image.RAW && format != Format.Image.SUBVOL) {
            return;
        }
        Subvolumes.create(entry);
        Files.setPosixFilePermissions(entry, PosixFilePermissions.fromString("rwxr-xr-x"));
        if (format == Format.Image.RAW && isNocow) {
            // the file that is made in the directory inherits it, before anything is in it
            Command.of("chattr", "+C", entry.toString()).run();
        }
    }

    @Override
    public void protect(Path entry) {
        if (!Subvolumes.isOne(entry)) {
            ImageCreation.FILES.protect(entry);
            return;
        }
        try {
            Subvolumes.setReadOnly(entry, true);
        } catch (StorageException e) {
            LOG.warn("base image '{}' may still be written: {}", entry, e.getMessage());
        }
    }

    @Override
    public void removeTree(Path directory) throws IOException {
        if (Subvolumes.isOne(directory)) {
            Subvolumes.delete(List.of(directory));
            return;
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    removeTree(entry);
                }
            }
        }
        ImageCreation.FILES.removeTree(directory);
    }
}
