package dev.tenon.tck;

import dev.tenon.core.spi.VolumeName;

/** How to reach the content of a storage's volumes, which need not be files or devices. */
public interface Content {
    /** Whether there is such a volume, checked without the plugin as far as possible. */
    boolean isPresent(VolumeName volume);

    /** Opens a volume as its guest would. */
    Opened open(VolumeName volume);

    /** A volume that is open; nobody else may write to it. */
    interface Opened extends AutoCloseable {
        /** Writes this byte to all of the first 64 KiB, or into a file of a directory. */
        void fill(int value);

        /** Whether the content is what {@link #fill} wrote last, in this or an earlier opening. */
        boolean isFilled(int value);

        @Override
        void close();
    }
}
