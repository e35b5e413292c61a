package dev.tenon.host;

import dev.tenon.core.linux.Directories;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The names by which PVE knows the storage types in Java: their proxy classes cannot have the names of PVE's own types. A
 * name means the same in {@code storage.cfg}, to the daemon and to the commands.
 *
 * @param directory where names that are not the usual ones are kept, a file each
 */
public record ProxiedTypes(Path directory) {
    private static final String PREFIX = "tenon";
    private static final String SUFFIX = ".type";

    /** The name unless another is chosen; that of a type which only Tenon has is its own. */
    public static String usual(String type) {
        return type.startsWith(PREFIX) ? type : PREFIX + type;
    }

    /** Remembers that PVE knows the type by this name. */
    public void remember(String name, String type) throws IOException {
        if (name.equals(usual(type))) {
            return;
        }
        if (!Files.isDirectory(directory)) {
            Directories.make(directory, "rwxr-xr-x");
        }
        Files.writeString(directory.resolve(name + SUFFIX), type + "\n");
    }

    /** The names that are not the usual ones, and the types they stand for. */
    Map<String, String> chosen() throws IOException {
        Map<String, String> chosen = new TreeMap<>();
        if (!Files.isDirectory(directory)) {
            return chosen;
        }
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file :
                    files.filter(file -> file.toString().endsWith(SUFFIX)).toList()) {
                String name = String.valueOf(file.getFileName());
                chosen.put(
                        name.substring(0, name.length() - SUFFIX.length()),
                        Files.readString(file).strip());
            }
        }
        return chosen;
    }
}
