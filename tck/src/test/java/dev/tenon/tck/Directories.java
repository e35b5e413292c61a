package dev.tenon.tck;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Directory storages in a scratch directory. */
final class Directories {
    private Directories() {}

    static Subject subject(Path scratch, Map<String, Object> more, Abilities abilities) {
        return Subject.ofFiles(
                new DirPlugin(),
                storage(directory(scratch.resolve("store")), more),
                storage(scratch.resolve("missing"), more),
                directory(scratch.resolve("outside")),
                abilities);
    }

    private static Storage storage(Path path, Map<String, Object> more) {
        Map<String, Object> properties = new LinkedHashMap<>(more);
        properties.put("path", path.toString());
        properties.put("content", Map.of("images", "1", "rootdir", "1", "backup", "1"));
        properties.put("create-base-path", "0");
        return Storage.of("nas", "dir", properties);
    }

    private static Path directory(Path path) {
        try {
            Files.createDirectories(path);
            return path;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
