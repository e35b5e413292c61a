package dev.tenon.core.spi;

import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a storage whose images are files offers beyond PVE's plugin API: a new image from what somebody writes. Writing
 * may take hours; the storage is locked only while the image gets its name.
 */
public interface ImageFiles {
    /**
     * Makes an image that is not listed yet. It needs no lock.
     *
     * @param filling creates the file, a complete image of this format; no file of that name exists before
     * @throws StorageException {@code NOT_SUPPORTED}, {@code NO_SPACE}; what the filling throws. Nothing is left in these
     *     cases
     */
    Staged stageImage(Storage storage, Vmid owner, Format.Image format, Consumer<Path> filling);

    /** A finished image without a name. */
    interface Staged extends AutoCloseable {
        /**
         * Makes it a volume. The caller holds the storage's lock.
         *
         * @param name the wanted name, null to let the storage choose
         * @throws StorageException {@code ALREADY_EXISTS}, {@code INVALID_NAME}
         */
        VolumeName place(@Nullable String name);

        /** Removes it if it was not placed. */
        @Override
        void close();
    }
}
