package dev.tenon.core.storage.directory;

import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Where the image of a guest is.
 *
 * @param volid the volume
 * @param parsed what its name says
 * @param format the format its name promises
 * @param bounds what it must not leave
 */
record ImageLocation(
        VolumeId volid, ParsedVolume.GuestImage parsed, Format.Image format, Path file, StorageBounds bounds) {
    /**
     * Checks that the image is one, and that QEMU may open it.
     *
     * @return what its header says
     * @throws dev.tenon.core.spi.StorageException {@code NOT_FOUND} or {@code UNSAFE_IMAGE}
     */
    ImageInfo check() {
        return check(file);
    }

    /** As {@link #check()}, of a snapshot that has a file of its own. */
    ImageInfo check(Path snapshotFile) {
        bounds.refuseWayOut(snapshotFile, volid.toString());
        try {
            return ImageReferences.check(volid.toString(), snapshotFile, format, bounds);
        } catch (IOException e) {
            throw ImageReferences.unreadable(volid.toString(), snapshotFile, e);
        }
    }

    /**
     * Refuses an image that is to be changed in place and has a second name: what is changed would change under that name
     * too, which may be another volume or lie outside of the storage.
     *
     * @throws dev.tenon.core.spi.StorageException {@code UNSAFE_IMAGE}
     */
    void refuseOtherNames() {
        try {
            FileStatus status = FileStatus.of(file);
            if (status.isRegularFile() && status.links() > 1) {
                throw StorageException.refused(
                        StorageError.UNSAFE_IMAGE,
                        "volume '" + volid + "' is not changed: its file '" + file + "' has " + status.links()
                                + " names (hard links), and the others would change with it; copy it to a new image, or"
                                + " remove the other names (after a crash: tenon doctor)");
            }
        } catch (IOException e) {
            throw ImageReferences.unreadable(volid.toString(), file, e);
        }
    }

    /** The directory that holds the image. */
    Path directory() {
        return file.resolveSibling(".").normalize();
    }

    ImageLocation at(Path other) {
        return new ImageLocation(volid, parsed, format, other, bounds);
    }
}
