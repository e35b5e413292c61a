package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.Format;
import java.io.IOException;
import java.nio.file.Path;

/**
 * What the images of a storage consist of, and how they are made and removed. Every image is one entry in the directory of
 * its guest: it is made under a hidden name, moved into its place in one step, and renamed and removed as one.
 */
public interface ImageCreation {
    /** An image is a file, and a subvolume is a directory. */
    ImageCreation FILES = new FileCreation();

    /**
     * The name of an image's entry.
     *
     * @param imageName the name of the image, with its extension
     */
    String entryName(String imageName, Format.Image format);

    /** The file that holds an image, or the directory that is one, in its entry. */
    Path content(Path entry, Format.Image format);

    /**
     * Makes an empty entry; does nothing if the image itself is a file, which the caller makes.
     *
     * @throws IOException or {@link dev.tenon.core.spi.StorageException}, in which case nothing is left
     */
    void make(Path entry, Format.Image format) throws IOException;

    /** Keeps an entry from being written, as far as the file system can; that it cannot is only logged. */
    void protect(Path entry);

    /**
     * Removes a directory with all that was made in it, but nothing that is mounted below it.
     *
     * @throws IOException or {@link dev.tenon.core.spi.StorageException} if something is left
     */
    void removeTree(Path directory) throws IOException;
}
