package dev.tenon.core.storage.directory;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * An image, or a snapshot that is a file.
 *
 * @param backing the file it is based on, null if none or no file
 */
record Found(Path file, boolean isSnapshot, @Nullable Path backing) {
    String name() {
        return String.valueOf(file.getFileName());
    }
}
