package dev.tenon.core.spi;

import java.nio.file.Path;
import java.util.List;

/** Where the bytes of a volume's stream are. The stream itself begins with the size: eight bytes, lowest first. */
public sealed interface StreamSource {
    /**
     * A file or block device, as it is.
     *
     * @param size the size of the volume as the stream states it, which for a qcow2 file is not the size of the file
     */
    record Content(Path file, ByteSize size) implements StreamSource {}

    /**
     * A file or block device of which only some parts hold data. The others read as zeroes, and are not read.
     *
     * @param size the size of the volume, within which the parts are
     * @param extents the parts in their order; none begins before the one before it ends
     */
    record Allocated(Path file, ByteSize size, List<Extent> extents) implements StreamSource {
        public Allocated {
            extents = List.copyOf(extents);
        }
    }

    /**
     * A part of a volume.
     *
     * @param at where it begins, in bytes
     * @param length in bytes
     */
    record Extent(long at, long length) {}

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
