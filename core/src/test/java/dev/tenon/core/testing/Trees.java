package dev.tenon.core.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What is in a directory, to be compared later. */
public final class Trees {
    private Trees() {}

    /** Everything below it: path, size, mode, inode and time of the last write. */
    public static List<String> of(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> !file.equals(directory))
                    .map(file -> directory.relativize(file) + " " + described(file))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String described(Path file) {
        try {
            // the time of a directory changes when something in it is made and removed again
            String attributes = Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)
                    ? "unix:mode,ino"
                    : "unix:size,mode,ino,lastModifiedTime";
            return Files.readAttributes(file, attributes, LinkOption.NOFOLLOW_LINKS)
                    .toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
