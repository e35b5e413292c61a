package dev.tenon.core.spi;

import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a storage whose images are files offers beyond PVE's plugin API: a new image of what somebody writes, which may
 * take hours, while the storage is locked only to give it its name.
 */
public interface ImageFiles {
    /**
     * Makes an image that is not listed yet. It needs no lock.
     *
     * @param filling makes the file, a whole image of this format; nothing of that name is there before
     * @throws StorageException {@code NOT_SUPPORTED}, {@code NO_SPACE}; what the filling throws. Nothing is left then
     */
    Staged stageImage(Storage storage, Vmid owner, Format.Image format, Consumer<Path> filling);

    /** An image that is finished and has no name. */
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
