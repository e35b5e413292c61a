package dev.tenon.core.spi;

import java.nio.file.Path;

/** Where the bytes of a volume's stream go. */
public sealed interface StreamTarget {
    /** A file to be created, as long as what arrives. Zeroes become holes. */
    record NewFile(Path file) implements StreamTarget {}

    /**
     * A file or block device that exists.
     *
     * @param isZero whether all of it reads as zeroes, so that zeroes need not be written
     */
    record Present(Path file, boolean isZero) implements StreamTarget {}

    /** An empty directory, into which a tar archive is unpacked. */
    record Tree(Path directory) implements StreamTarget {}
}
