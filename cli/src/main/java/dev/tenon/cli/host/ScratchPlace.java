package dev.tenon.cli.host;

import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Set;

/** Directories in which storages are made for a while. */
public final class ScratchPlace {
    private static final String PATH = "path";

    private ScratchPlace() {}

    /**
     * Whether a directory is all that a storage of this plugin needs. What all nodes reach, or what is entered with a secret, is
     * kept by somebody else: it would be mounted over the directory, even where nothing but the path must be given.
     */
    public static boolean isEnoughFor(StoragePlugin plugin) {
        Set<String> secrets = plugin.pluginData().sensitiveProperties();
        return !plugin.isShared() && (secrets == null || secrets.isEmpty()) && needsOnlyAPath(plugin);
    }

    /** Whether a path is all that must be given. */
    public static boolean needsOnlyAPath(StoragePlugin plugin) {
        return plugin.options().containsKey(PATH)
                && plugin.options().entrySet().stream()
                        .allMatch(option ->
                                option.getValue().optional() || option.getKey().equals(PATH));
    }

    /**
     * Removes a directory and what is in it.
     *
     * @throws IOException if something cannot be removed; the message says what
     */
    public static void remove(Path directory) throws IOException {
        try (var paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
