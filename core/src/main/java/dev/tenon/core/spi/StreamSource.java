package dev.tenon.core.spi;

import java.nio.file.Path;

/** Where the bytes lie that a volume's stream consists of. All of it starts with the size, eight bytes, lowest first. */
public sealed interface StreamSource {
    /**
     * A file or block device, as it is.
     *
     * @param size what the stream says the volume's size is, which for a qcow2 file is not the file's own
     */
    record Content(Path file, ByteSize size) implements StreamSource {}

    /**
     * What a guest sees of an image: its disk, raw. Nothing that the image does not hold is read.
     *
     * @param file an image that was checked: it names no file outside the storage
     * @param size virtual size
     */
    record Disk(Path file, Format.Image format, ByteSize size) implements StreamSource {}

    /** The files of a directory, as a tar archive; the size that the stream says is 0. */
    record Tree(Path directory) implements StreamSource {}
}
