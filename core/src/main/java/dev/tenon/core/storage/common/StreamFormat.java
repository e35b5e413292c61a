package dev.tenon.core.storage;

import dev.tenon.core.spi.Format;
import java.util.Arrays;
import java.util.Optional;

/** The stream formats that begin with a size. */
enum StreamFormat {
    RAW(Format.Image.RAW),
    QCOW2(Format.Image.QCOW2),
    VMDK(Format.Image.VMDK),
    /** The files of a directory. */
    TAR(Format.Image.SUBVOL);

    private final Format.Image volumeFormat;

    StreamFormat(Format.Image volumeFormat) {
        this.volumeFormat = volumeFormat;
    }

    static Optional<StreamFormat> ofWord(String word) {
        return Arrays.stream(values())
                .filter(format -> format.word().equals(word))
                .findFirst();
    }

    String word() {
        return (this == TAR ? "tar" : volumeFormat.word()) + "+size";
    }

    /** The format of the images that such a stream holds. */
    Format.Image volumeFormat() {
        return volumeFormat;
    }

    /** Whether what comes is a file with a header, which holds its snapshots too. */
    boolean isImageFile() {
        return this == QCOW2 || this == VMDK;
    }
}
