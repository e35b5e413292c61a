package dev.tenon.core.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

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
        try (var lines = Files.lines(TABLE)) {
            return lines.map(line -> line.split(" ", -1)[PLACE])
                    .map(MountTable::unescaped)
                    .map(Path::of)
                    .filter(path -> path.startsWith(directory))
                    .toList();
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
