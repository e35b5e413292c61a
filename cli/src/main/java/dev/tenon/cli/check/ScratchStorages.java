package dev.tenon.cli.check;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.tck.Abilities;
import dev.tenon.tck.Subject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Where the kit's tests have their storages: each a directory of its own, or all the same that a user named. */
final class ScratchStorages implements AutoCloseable {
    private static final String PATH = "path";

    /** Properties that would make a directory that is missing on purpose. */
    private static final List<String> MAKING = List.of("mkdir", "create-base-path", "create-subdirs");

    private static final List<String> CONTENT = List.of("images", "rootdir", "backup");

    private final StoragePlugin plugin;
    private final @Nullable Storage named;
    private final Path root;
    private int count;

    /**
     * Storages for tests of this plugin.
     *
     * @param named an empty storage that all tests share; null for one of its own for each
     * @param parent where directories are made
     */
    ScratchStorages(StoragePlugin plugin, @Nullable Storage named, Path parent) throws IOException {
        this.plugin = plugin;
        this.named = named;
        this.root = Files.createTempDirectory(Files.createDirectories(parent), "tenon-check-")
                .toRealPath();
    }

    /** The next one. */
    Subject next(Abilities abilities) {
        if (Thread.currentThread().isInterrupted()) {
            throw new IllegalStateException("the check was cancelled");
        }
        try {
            count++;
            Path place = Files.createDirectory(root.resolve(Integer.toString(count)));
            Path outside = Files.createDirectory(place.resolve("outside"));
            Path missing = place.resolve("missing");
            if (named != null) {
                return Subject.ofFiles(plugin, named, without(named, missing), outside, abilities);
            }
            StorageId id = new StorageId("check" + count);
            Path store = Files.createDirectory(place.resolve("store"));
            Storage storage = new Storage(id, new StorageConfig(plugin.type(), properties(store)));
            return Subject.ofFiles(plugin, storage, without(storage, missing), outside, abilities);
        } catch (IOException e) {
            throw new UncheckedIOException("no scratch storage could be made in '" + root + "'", e);
        }
    }

    private Map<String, Object> properties(Path store) {
        Map<String, Object> properties = new TreeMap<>();
        properties.put(PATH, store.toString());
        Map<String, Object> content = new TreeMap<>();
        CONTENT.stream()
                .filter(word -> plugin.pluginData().content().contains(word))
                .forEach(word -> content.put(word, 1L));
        if (plugin.options().containsKey("content") && !content.isEmpty()) {
            properties.put("content", content);
        }
        return properties;
    }

    /** The same storage without its directory, null if it has none. */
    private @Nullable Storage without(Storage storage, Path missing) {
        Map<String, Object> properties = new TreeMap<>(storage.config().properties());
        if (properties.put(PATH, missing.toString()) == null) {
            return null;
        }
        MAKING.stream().filter(plugin.options()::containsKey).forEach(option -> properties.put(option, "0"));
        return new Storage(storage.id(), new StorageConfig(storage.config().type(), properties));
    }

    @Override
    public void close() throws IOException {
        if (!remove()) {
            // Base images that a faulty plugin has left cannot be removed by anybody.
            try {
                Command.of("chattr", "-R", "-f", "-i", root.toString()).run();
            } catch (StorageException e) {
                // links have no such flag, which is an error, too
            }
            if (!remove()) {
                throw new IOException(
                        "what the checks have left in '" + root + "' cannot be removed: remove it by hand");
            }
        }
    }

    private boolean remove() throws IOException {
        boolean isGone = true;
        List<Path> all;
        try (var paths = Files.walk(root)) {
            all = paths.sorted(Comparator.reverseOrder()).toList();
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
