package dev.tenon.cli.check;

import dev.tenon.cli.host.ScratchPlace;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.tck.Abilities;
import dev.tenon.tck.Subject;
import dev.tenon.tck.backup.BackupKit;
import dev.tenon.tck.backup.BackupSubject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
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
    private final List<Storage> storages = new ArrayList<>();

    /** Sockets need a short path, which the place for storages may not have. */
    private @Nullable Path sockets;

    /** No storage of this node or another one has such an id, whose secrets the plugin would take for its own. */
    private final String prefix = "check-" + HexFormat.of().toHexDigits(new SecureRandom().nextLong()) + "-";

    private int count;
    private boolean isCancelled;

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
        Path place = place();
        Storage storage = named == null ? added(place.resolve("store")) : named;
        return Subject.ofFiles(
                plugin, storage, without(storage, place.resolve("missing")), place.resolve("outside"), abilities);
    }

    /** Gives no more storages, so that no test is made any more: JUnit forgets that its thread was interrupted. */
    void cancel() {
        isCancelled = true;
    }

    boolean isCancelled() {
        return isCancelled;
    }

    private void refuseIfCancelled() {
        isCancelled |= Thread.currentThread().isInterrupted();
        if (isCancelled) {
            throw new IllegalStateException("the check was cancelled");
        }
    }

    private Path place() {
        refuseIfCancelled();
        try {
            count++;
            Path place = Files.createDirectory(root.resolve(Integer.toString(count)));
            Files.createDirectory(place.resolve("outside"));
            return place;
        } catch (IOException e) {
            throw new UncheckedIOException("no scratch storage could be made in '" + root + "'", e);
        }
    }

    /** The next one, to learn what the plugin's backup providers can do. */
    BackupSubject learn() {
        return BackupKit.learn(plugin, storage(), work());
    }

    /** The next one, for a backup provider that can do what this one can. */
    BackupSubject next(BackupSubject learnt) {
        return learnt.on(storage(), work());
    }

    private Storage storage() {
        Path place = place();
        return named == null ? added(place.resolve("store")) : named;
    }

    private Path work() {
        try {
            if (sockets == null) {
                sockets = Files.createTempDirectory("tenon-check-");
            }
            return Files.createDirectory(sockets.resolve(Integer.toString(count)));
        } catch (IOException e) {
            throw new UncheckedIOException("no directory for sockets could be made", e);
        }
    }

    /** As PVE does it when a storage is added. */
    private Storage added(Path store) {
        try {
            Files.createDirectory(store);
        } catch (IOException e) {
            throw new UncheckedIOException("no scratch storage could be made in '" + root + "'", e);
        }
        Storage storage =
                new Storage(new StorageId(prefix + count), new StorageConfig(plugin.type(), properties(store)));
        // Also if adding it fails in the middle.
        storages.add(storage);
        Map<String, Object> properties =
                new TreeMap<>(plugin.onAdd(storage, Secrets.NONE).properties());
        properties.remove("type");
        Storage added = new Storage(storage.id(), new StorageConfig(plugin.type(), properties));
        storages.set(storages.size() - 1, added);
        return added;
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
        boolean isInterrupted = Thread.interrupted();
        try {
            remove();
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void remove() throws IOException {
        List<String> kept = new ArrayList<>();
        for (Storage storage : storages) {
            try {
                plugin.deactivateStorage(storage, OperationCache.create());
            } catch (StorageException e) {
                // What is mounted all the same is found before anything is removed.
            }
            try {
                plugin.onDelete(storage);
            } catch (StorageException e) {
                kept.add(String.valueOf(e.getMessage()));
            }
        }
        for (Path place : sockets == null ? List.of(root) : List.of(sockets, root)) {
            try {
                ScratchPlace.remove(place);
            } catch (IOException e) {
                kept.add(String.valueOf(e.getMessage()));
            }
        }
        if (!kept.isEmpty()) {
            throw new IOException("what the checks have made could not all be removed; remove it by hand: "
                    + String.join("; ", new TreeSet<>(kept)));
        }
    }
}
