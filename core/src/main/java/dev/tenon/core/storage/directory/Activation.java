package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.storage.common.Paths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Makes a directory usable as a storage.
 *
 * @param plugin says where its content is
 */
record Activation(StoragePlugin plugin, Storage storage) {
    /**
     * Makes the missing directories for its content.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE}, {@code PERMISSION_DENIED}, {@code NO_SPACE}, {@code
     *     BAD_CONFIG}
     */
    void run() {
        Path base = Paths.of(ContentDirectories.base(storage));
        if (DirectoryProbe.space(base).isEmpty()) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "unable to activate storage '" + storage.id() + "' - directory '" + base
                            + "' does not exist or is unreachable");
        }
        Set<ContentType> content = enabledContent();
        if (storage.config().flag("create-subdirs", storage.config().flag("mkdir", true))) {
            makeContentDirectories(content);
        }
        refuseSharedDirectories(content);
    }

    private Set<ContentType> enabledContent() {
        Set<ContentType> content = storage.config().content();
        if (storage.config().words("content").isEmpty()) {
            plugin.pluginData()
                    .defaultContent()
                    .forEach(word -> ContentType.ofWord(word).ifPresent(content::add));
        }
        content.remove(ContentType.NONE);
        return content;
    }

    private void makeContentDirectories(Set<ContentType> content) {
        for (ContentType type : content) {
            makeContentDirectory(type);
        }
        if (content.contains(ContentType.ROOTDIR)) {
            makeContentDirectory(ContentType.BACKUP); // containers are moved by way of it
        }
    }

    private void makeContentDirectory(ContentType type) {
        makeDirectories(storage, Paths.of(plugin.getSubdir(storage, type)));
    }

    /** Makes a directory and those above it, if they are missing; fails as {@link #run} does. */
    static void makeDirectories(Storage storage, Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            String reason = Failures.reason(e);
            String hint = reason.contains("Permission denied") || reason.contains("Read-only file system")
                    ? " (make it by hand, or switch create-base-path and create-subdirs off)"
                    : "";
            StorageException failure = Failures.of(
                    e,
                    Outcome.FAILED_CLEAN,
                    "unable to activate storage '" + storage.id() + "' - cannot create directory '" + directory + "'");
            throw new StorageException(failure.error(), failure.outcome(), failure.getMessage() + hint, e);
        }
    }

    private void refuseSharedDirectories(Set<ContentType> content) {
        Map<Path, ContentType> used = new HashMap<>();
        for (ContentType type : content) {
            Path directory;
            try {
                directory = Paths.of(plugin.getSubdir(storage, type)).toRealPath();
            } catch (IOException e) {
                continue; // one that does not exist holds nothing
            }
            if (used.put(directory, type) != null) {
                throw StorageException.refused(
                        StorageError.BAD_CONFIG,
                        "storage '" + storage.id() + "' uses directory " + directory + " for multiple content types");
            }
        }
    }
}
