package dev.tenon.core.linux;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Writes the names in a directory to the disk, so that a power failure takes none of them back. */
public final class DirectorySync {
    private DirectorySync() {}

    /** Waits until the directory is on the disk. */
    public static void of(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
