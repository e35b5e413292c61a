package dev.tenon.core.storage.common;

import dev.tenon.core.spi.Format;
import java.util.Arrays;
import java.util.Optional;

/** The stream formats that begin with a size. */
public enum StreamFormat {
    RAW(Format.Image.RAW),
    QCOW2(Format.Image.QCOW2),
    VMDK(Format.Image.VMDK),
    /** The files of a directory. */
    TAR(Format.Image.SUBVOL);

    private final Format.Image volumeFormat;

    StreamFormat(Format.Image volumeFormat) {
        this.volumeFormat = volumeFormat;
    }

    public static Optional<StreamFormat> ofWord(String word) {
        return Arrays.stream(values())
                .filter(format -> format.word().equals(word))
                .findFirst();
    }

    public String word() {
        return (this == TAR ? "tar" : volumeFormat.word()) + "+size";
    }

    /** The format of the images that such a stream holds. */
    public Format.Image volumeFormat() {
        return volumeFormat;
    }

    /** Whether what comes is a file with a header, which holds its snapshots too. */
    public boolean isImageFile() {
        return this == QCOW2 || this == VMDK;
    }
}
