package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.VolumeNames;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Gives the image of a guest another name, or to another guest. */
final class ImageRenaming {
    private static final Pattern GUEST_IN_NAME = Pattern.compile("(?:vm|base|subvol)-(\\d+)-.+");

    private static final String BASE_PREFIX = "base-";

    private ImageRenaming() {}

    /** The guest that an image with this new name is for; the one it had if neither the caller nor the name tells. */
    static Vmid owner(ImageLocation image, @Nullable Vmid owner, @Nullable VolumeName name) {
        Optional<Vmid> named = Optional.ofNullable(name).flatMap(ImageRenaming::ownerIn);
        if (owner != null
                && named.isPresent()
                && name != null
                && isPath(name)
                && !named.get().equals(owner)) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "unable to rename volume '" + image.volid() + "' to " + Quoted.of(name.value())
                            + ": the name is not of guest " + owner);
        }
        return Optional.ofNullable(owner)
                .or(() -> named)
                .or(() -> Optional.ofNullable(image.parsed().owner()))
                .orElseThrow(() -> StorageException.refused(
                        StorageError.BAD_PARAMETER,
                        "unable to rename volume '" + image.volid() + "': it is not known for which guest"));
    }

    private static Optional<Vmid> ownerIn(VolumeName name) {
        String text = name.value();
        if (isPath(name)) {
            return VolumeNames.vmid(text.substring(0, text.indexOf('/')));
        }
        Matcher matcher = GUEST_IN_NAME.matcher(text);
        return matcher.matches() ? VolumeNames.vmid(matcher.group(1)) : Optional.empty();
    }

    private static boolean isPath(VolumeName name) {
        return name.value().indexOf('/') >= 0;
    }

    /** The file name in a new name, which may begin with the guest's directory. */
    static String fileName(VolumeName name) {
        return name.value().substring(name.value().indexOf('/') + 1);
    }

    /**
     * Refuses a name that would make it another kind of image.
     *
     * @throws StorageException {@code INVALID_NAME} or {@code NOT_SUPPORTED}
     */
    static void refuseUnfit(ImageLocation image, String fileName) {
        if (image.parsed().isBase()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "unable to rename base volume '" + image.volid() + "': linked clones know it by its name");
        }
        if (fileName.startsWith(BASE_PREFIX)) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "illegal name " + Quoted.of(fileName) + " - volume '" + image.volid() + "' is no base image");
        }
        ImageInfo info = image.check();
        if (SnapshotChain.isSnapshotOf(info.backingFile(), image.file())) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "unable to rename volume '" + image.volid() + "': it is based on its snapshot '"
                            + info.backingFile() + "'; delete its snapshots first");
        }
    }

    /**
     * Moves the file, and makes the guest's directory if it is missing.
     *
     * @throws StorageException {@code ALREADY_EXISTS} and others, {@code FAILED_CLEAN}
     */
    static void move(ImageLocation image, Path target) {
        boolean hasMadeDirectory = false;
        try {
            hasMadeDirectory = makeDirectory(target.resolveSibling(".").normalize());
            FileMove.withoutReplacing(image.file(), target);
            Durable.nameOf(target);
            if (hasMadeDirectory) {
                Durable.nameOf(target.resolveSibling(".").normalize());
            }
        } catch (IOException e) {
            if (hasMadeDirectory) {
                VolumeRemoval.emptyDirectory(target.getParent(), ImageCreation.FILES);
            }
            if (e instanceof FileAlreadyExistsException) {
                throw new StorageException(
                        StorageError.ALREADY_EXISTS,
                        Outcome.FAILED_CLEAN,
                        "target volume '" + target.getFileName() + "' already exists",
                        e);
            }
            throw Failures.of(e, Outcome.FAILED_CLEAN, "rename '" + image.file() + "' to '" + target + "' failed");
        }
    }

    private static boolean makeDirectory(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return false;
        }
        Files.createDirectories(directory);
        return true;
    }
}
