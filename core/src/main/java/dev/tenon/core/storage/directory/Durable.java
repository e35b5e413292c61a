package dev.tenon.core.storage.directory;

import dev.tenon.core.linux.DirectorySync;
import java.io.IOException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps what was renamed from being taken back by a power failure. */
final class Durable {
    private static final Logger LOG = LoggerFactory.getLogger(Durable.class);

    private Durable() {}

    /** Writes the directory of this file to the disk. What was done stays done if that fails: not all file systems can. */
    static void nameOf(Path file) {
        Path directory = file.resolveSibling(".").normalize();
        try {
            DirectorySync.of(directory);
        } catch (IOException e) {
            LOG.debug("directory '{}' is not written to the disk at once: {}", directory, e.toString());
        }
    }
}
