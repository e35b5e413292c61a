package dev.tenon.core.storage.directory;

import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.image.Preallocation;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.util.Optional;

/** Makes images larger. */
final class ImageResizing {
    private ImageResizing() {}

    /**
     * Makes an image larger.
     *
     * @param size rounded up to KiB
     * @throws StorageException {@code BAD_PARAMETER} if the image is larger already; {@code FAILED_CLEAN} if it has the
     *     size it had
     */
    static void resize(ImageLocation image, ByteSize size, Optional<Preallocation> preallocation) {
        ImageInfo before = image.check();
        image.refuseOtherNames();
        ByteSize wanted = ByteSize.ofKib(size.kibRoundedUp());
        if (wanted.compareTo(before.size()) < 0) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "unable to shrink volume '" + image.volid() + "' from "
                            + before.size().bytes() + " to " + wanted.bytes() + " bytes: what is at its end would be"
                            + " lost");
        }
        try {
            QemuImg.resize(image.file(), image.format(), wanted, preallocation);
        } catch (StorageException e) {
            throw new StorageException(e.error(), outcome(image, before, e), e.getMessage(), e);
        }
    }

    private static Outcome outcome(ImageLocation image, ImageInfo before, StorageException failure) {
        try {
            ImageInfo after = ImageInfo.read(image.file(), image.format());
            boolean isSame = after.size().equals(before.size()) && after.defect() == null;
            return isSame ? Outcome.FAILED_CLEAN : failure.outcome();
        } catch (IOException e) {
            return failure.outcome();
        }
    }
}
