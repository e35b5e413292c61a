package dev.tenon.core.spi;

import java.nio.file.Path;

/** Where the bytes of a volume's stream go. */
public sealed interface StreamTarget {
    /** A file that is made, and is as long as what came. What came as zeroes is a hole. */
    record NewFile(Path file) implements StreamTarget {}

    /**
     * A file or block device that is there.
     *
     * @param isZero whether all of it reads as zeroes, so that what comes as zeroes is not written
     */
    record Present(Path file, boolean isZero) implements StreamTarget {}

    /** An empty directory, into which a tar archive is unpacked. */
    record Tree(Path directory) implements StreamTarget {}
}
