package dev.tenon.core.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What is mounted where, as this process sees it. */
public final class MountTable {
    private static final Path TABLE = Path.of("/proc/self/mountinfo");
    private static final int PLACE = 4;

    private MountTable() {}

    /**
     * What is mounted below a directory, or on it.
     *
     * @param directory absolute and without links
     * @return the places, in the order in which they were mounted
     * @throws IOException if the kernel's table cannot be read
     */
    public static List<Path> below(Path directory) throws IOException {
        return below(directory, lines());
    }

    static List<Path> below(Path directory, List<String> lines) {
        return lines.stream()
                .map(line -> unescaped(line.split(" ", -1)[PLACE]))
                .flatMap(name -> path(name).stream())
                .filter(path -> path.startsWith(directory))
                .toList();
    }

    /**
     * The kernel's table as it is. What is no UTF-8 in the name of some place is replaced by other characters.
     *
     * @throws IOException if it cannot be read
     */
    public static List<String> lines() throws IOException {
        return lines(Files.readAllBytes(TABLE));
    }

    static List<String> lines(byte[] table) {
        // Not String.lines: the kernel does not escape a carriage return in a name.
        return Stream.of(new String(table, StandardCharsets.UTF_8).split("\n"))
                .filter(line -> !line.isEmpty())
                .toList();
    }

    /** Somewhere on the host there may be a place whose name Java cannot say. */
    private static Optional<Path> path(String name) {
        try {
            return Optional.of(Path.of(name));
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }

    /** Blanks and the like are three octal digits there. */
    private static String unescaped(String name) {
        return name.replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
    }
}
