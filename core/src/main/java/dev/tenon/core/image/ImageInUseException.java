package dev.tenon.core.image;

import dev.tenon.core.spi.Quoted;
import java.io.IOException;
import java.io.Serial;
import java.nio.file.Path;

/** A QEMU has an image open for writing, most likely for a guest that runs. */
public final class ImageInUseException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    ImageInUseException(Path image) {
        super("image " + Quoted.of(image.toString()) + " is open for writing, most likely by a guest that runs");
    }
}
