package dev.tenon.core.storage.common;

import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Makes paths of text that comes from a configuration or a plugin. */
public final class Paths {
    private Paths() {}

    /** The path, which must be absolute: a relative one would depend on where this process was started. */
    public static Path of(String text) {
        try {
            Path path = Path.of(text);
            if (path.isAbsolute()) {
                return path;
            }
        } catch (InvalidPathException e) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "path " + Quoted.of(text) + " is illegal: " + e.getReason());
        }
        throw StorageException.refused(StorageError.NOT_SUPPORTED, Quoted.of(text) + " is no absolute path of a file");
    }
}
