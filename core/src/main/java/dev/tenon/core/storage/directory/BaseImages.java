package dev.tenon.core.storage.directory;

import dev.tenon.core.command.Command;
import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.image.Preallocation;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes base images, and linked clones of them. */
final class BaseImages {
    private static final Logger LOG = LoggerFactory.getLogger(BaseImages.class);
    private static final Set<PosixFilePermission> READ_ONLY = PosixFilePermissions.fromString("r--r--r--");
    /** A directory that may not be searched could not even be read. */
    private static final Set<PosixFilePermission> READ_ONLY_DIRECTORY = PosixFilePermissions.fromString("r-xr-xr-x");

    private BaseImages() {}

    /** The name a base image made of this one has; a name of another kind stays as it is. */
    static String nameOf(String image) {
        return image.replaceFirst("^(?:vm|subvol)-", "base-");
    }

    /**
     * Refuses an image that cannot become a base image.
     *
     * @throws StorageException {@code NOT_SUPPORTED}, {@code NOT_FOUND} or {@code UNSAFE_IMAGE}
     */
    static void refuseUnfit(ImageLocation image) {
        if (image.parsed().isBase()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "create_base not possible with base image (volume '" + image.volid() + "')");
        }
        ImageInfo info = image.check();
        image.refuseOtherNames();
        ParsedVolume.Base base = image.parsed().base();
        if (base != null && !backingName(base).equals(info.backingFile())) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "volume '" + image.volid() + "' contains wrong information about parent: the image is based on "
                            + (info.backingFile() == null ? "nothing" : Quoted.of(info.backingFile())));
        }
        if (SnapshotChain.isSnapshotOf(info.backingFile(), image.file())) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "create_base not possible with snapshots: volume '" + image.volid() + "' is based on '"
                            + info.backingFile() + "'; delete its snapshots first");
        }
    }

    /** How a clone names its base image: seen from the directory of the guest it belongs to. */
    private static String backingName(ParsedVolume.Base base) {
        return "../" + base.owner() + "/" + base.name();
    }

    /**
     * Renames an image to a base image and protects it from being written, as far as the file system can.
     *
     * @throws StorageException {@code FAILED_CLEAN}
     */
    static void make(Path image, Path base) {
        try {
            FileMove.withoutReplacing(image, base);
            Durable.nameOf(base);
        } catch (FileAlreadyExistsException e) {
            throw new StorageException(
                    StorageError.ALREADY_EXISTS, Outcome.FAILED_CLEAN, "file '" + base + "' already exists", e);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.FAILED_CLEAN, "unable to rename '" + image + "' to '" + base + "'");
        }
        protect(base);
    }

    /** Takes the right to write it from everybody, as far as the file system can; that it cannot is only logged. */
    static void protect(Path base) {
        try {
            Files.setPosixFilePermissions(base, Files.isDirectory(base) ? READ_ONLY_DIRECTORY : READ_ONLY);
        } catch (IOException e) {
            LOG.warn("base image '{}' may still be written: {}", base, Failures.reason(e));
        }
        try {
            Command.of("chattr", "+i", base.toString()).run();
        } catch (StorageException e) {
            LOG.warn("base image '{}' is not immutable: {}", base, e.getMessage());
        }
    }

    /**
     * Refuses to let a base image go that a snapshot of a linked clone is based on. Such a clone names its snapshot and not
     * its base, so that no list tells of it.
     *
     * @param file the base image, in the directory of its guest
     * @throws StorageException {@code IN_USE}
     */
    static void refuseUsedBySnapshots(ParsedVolume.GuestImage base, Path file) {
        Path guestDirectory = file.resolveSibling(".").normalize();
        Path images = guestDirectory.resolveSibling(".").normalize();
        String backing = backingName(new ParsedVolume.Base(base.name(), base.owner()));
        try {
            for (String guest : DirectoryNames.in(images)) {
                for (String name : snapshotNames(images.resolve(guest))) {
                    if (backing.equals(
                            SnapshotChain.backingFile(images.resolve(guest).resolve(name)))) {
                        throw StorageException.refused(
                                StorageError.IN_USE,
                                "base volume '" + base.owner() + "/" + base.name()
                                        + "' is still in use by linked clones (snapshot '" + guest + "/" + name + "')");
                    }
                }
            }
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to tell which clones base image '" + file + "' has");
        }
    }

    private static List<String> snapshotNames(Path guestDirectory) throws IOException {
        if (!Files.isDirectory(guestDirectory, LinkOption.NOFOLLOW_LINKS)) {
            return List.of();
        }
        return DirectoryNames.in(guestDirectory).stream()
                .filter(SnapshotChain::isSnapshotName)
                .toList();
    }

    /** Makes a qcow2 image on top of a base image, which must be of this guest. */
    static void clone(Storage storage, ImageLocation base, ParsedVolume.Base name, Path clone) {
        ImageInfo info = base.check();
        base.bounds().refuseWayOut(clone, base.volid().toString());
        if (Files.exists(clone, LinkOption.NOFOLLOW_LINKS)) {
            throw StorageException.refused(StorageError.ALREADY_EXISTS, "disk image '" + clone + "' already exists");
        }
        Format.Image format = base.format();
        ImageAllocation.overlay(
                clone,
                new ImageAllocation.Below(backingName(name), format, info.size()),
                Preallocation.of(storage, format));
    }
}
