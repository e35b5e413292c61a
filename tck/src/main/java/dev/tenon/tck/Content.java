package dev.tenon.tck;

import dev.tenon.core.spi.VolumeName;

/** How the content of a storage's volumes is reached, which need be neither files nor devices. */
public interface Content {
    /** Whether there is such a volume, looked at past the plugin as far as that can be. */
    boolean isPresent(VolumeName volume);

    /** Opens a volume as its guest would. */
    Opened open(VolumeName volume);

    /** A volume that is open; nobody else may write to it. */
    interface Opened extends AutoCloseable {
        /** Writes this byte to all of the first 64 KiB, or into a file of a directory. */
        void fill(int value);

        /** Whether that is what {@link #fill} wrote last, in this or an earlier opening. */
        boolean isFilled(int value);

        @Override
        void close();
    }
}
