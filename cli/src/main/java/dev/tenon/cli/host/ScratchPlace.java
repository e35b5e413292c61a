package dev.tenon.cli.host;

import dev.tenon.core.command.Command;
import dev.tenon.core.linux.MountTable;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Directories in which storages are made for a while. */
public final class ScratchPlace {
    private static final String PATH = "path";

    private ScratchPlace() {}

    /**
     * Why a directory is not all that a storage of this plugin needs, after "it"; empty if it is. What all nodes reach, or what
     * is entered with a secret, is kept by somebody else: it would be mounted over the directory, even where nothing but the path
     * must be given.
     */
    public static Optional<String> obstacle(StoragePlugin plugin) {
        Set<String> secrets = plugin.pluginData().sensitiveProperties();
        return pathObstacle(plugin).or(() -> {
            if (plugin.isShared()) {
                return Optional.of("is kept by another machine: all nodes reach it");
            }
            return secrets == null || secrets.isEmpty()
                    ? Optional.empty()
                    : Optional.of("may be kept by another machine: it is entered with "
                            + String.join(", ", new TreeSet<>(secrets)));
        });
    }

    /** The same, if only that counts which must be given. */
    public static Optional<String> pathObstacle(StoragePlugin plugin) {
        Map<String, PropertyOption> options = plugin.options();
        Set<String> needed = new TreeSet<>();
        options.forEach((name, option) -> {
            if (!option.optional() && !name.equals(PATH)) {
                needed.add(name);
            }
        });
        String words = String.join(", ", needed);
        if (!options.containsKey(PATH)) {
            return Optional.of("has no path" + (needed.isEmpty() ? "" : ", and needs " + words));
        }
        return needed.isEmpty() ? Optional.empty() : Optional.of("needs more than a path: " + words);
    }

    /**
     * Removes a directory and what is in it, base images too, which nobody can remove whose plugin has left them. What a
     * plugin has mounted there is not touched.
     *
     * @throws IOException if something cannot be removed; the message names the directory
     */
    public static void remove(Path directory) throws IOException {
        List<Path> mounted = MountTable.below(directory.toRealPath());
        if (!mounted.isEmpty()) {
            throw new IOException("'" + directory + "' is not removed, since something is mounted there: " + mounted);
        }
        if (!isRemoved(directory)) {
            try {
                Command.of("chattr", "-R", "-f", "-i", directory.toString()).run();
            } catch (StorageException e) {
                // links have no such flag, which is an error, too
            }
            if (!isRemoved(directory)) {
                throw new IOException("'" + directory + "' cannot be removed, where plugins have left something");
            }
        }
    }

    private static boolean isRemoved(Path directory) throws IOException {
        boolean isGone = true;
        List<Path> all;
        try (var paths = Files.walk(directory)) {
            all = paths.sorted(Comparator.reverseOrder()).toList();
        } catch (UncheckedIOException e) {
            // A program of a plugin still removes something there.
            return false;
        }
        for (Path path : all) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                isGone = false;
            }
        }
        return isGone;
    }
}
