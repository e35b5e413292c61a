package dev.tenon.core.spi;

import java.nio.file.Path;

/** Where the bytes of a volume's stream are. The stream itself begins with the size: eight bytes, lowest first. */
public sealed interface StreamSource {
    /**
     * A file or block device, as it is.
     *
     * @param size the size of the volume as the stream states it, which for a qcow2 file is not the size of the file
     */
    record Content(Path file, ByteSize size) implements StreamSource {}

    /**
     * An image as a guest sees it: its raw disk. Only what the image contains is read.
     *
     * @param file an image that has been checked to name no file outside the storage
     * @param size virtual size
     */
    record Disk(Path file, Format.Image format, ByteSize size) implements StreamSource {}

    /** The files of a directory, as a tar archive; the stream's size is 0. */
    record Tree(Path directory) implements StreamSource {}
}
