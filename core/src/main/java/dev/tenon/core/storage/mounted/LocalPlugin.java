package dev.tenon.core.storage.mounted;

import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the types have in common whose storages are directories of this node: {@code dir} and {@code btrfs}. */
public abstract class LocalPlugin extends FilePlugin {
    private static final Pattern PATH = Pattern.compile("/[-/a-zA-Z0-9_.@]+");

    /** Reads what is mounted from this file. */
    protected LocalPlugin(Path mounts) {
        super(mounts);
    }

    /** As the other, where the list of guests is elsewhere, too. */
    protected LocalPlugin(Path mounts, Path guests) {
        super(mounts, guests);
    }

    @Override
    public Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
        Map<String, Object> checked = super.checkConfig(storage, properties, isNew);
        if (!isNew || !(checked.get("path") instanceof String path)) {
            return checked;
        }
        if (!PATH.matcher(path).matches()) {
            throw StorageException.refused(
                    StorageError.BAD_CONFIG,
                    "storage '" + storage + "': illegal path for directory storage: " + Quoted.of(path)
                            + " (letters, digits and -_.@ may be in it)");
        }
        Map<String, Object> canonical = new LinkedHashMap<>(checked);
        canonical.put("path", canonical(path));
        return canonical;
    }

    /** Its shortest form. Only the file system knows what {@code ..} means. */
    private static String canonical(String path) {
        String parts = Stream.of(path.split("/", -1))
                .filter(part -> !part.isEmpty() && !part.equals("."))
                .dropWhile(part -> part.equals(".."))
                .collect(Collectors.joining("/"));
        return "/" + parts;
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        boolean isMissing = requiredMountPoint(storage)
                .filter(mountPoint -> !isMountPoint(mountPoint, cache))
                .isPresent();
        return isMissing ? new StorageStatus.Inactive() : super.status(storage, cache);
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        requiredMountPoint(storage)
                .filter(mountPoint -> !isMountPoint(mountPoint, cache))
                .ifPresent(mountPoint -> {
                    throw StorageException.refused(
                            StorageError.STORAGE_UNAVAILABLE,
                            "unable to activate storage '" + storage.id()
                                    + "' - directory is expected to be a mount point but is not mounted: '" + mountPoint
                                    + "'");
                });
        makeBase(storage);
        refuseUnfit(storage);
        super.activateStorage(storage, cache);
    }

    /**
     * Refuses a directory that is no storage of this type, before anything is made in it.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE}
     */
    protected void refuseUnfit(Storage storage) {}

    /** The directory that must be a mount point, empty if none must. */
    private static Optional<Path> requiredMountPoint(Storage storage) {
        Optional<String> setting = storage.config().text("is_mountpoint").filter(text -> !text.isEmpty());
        if (setting.isEmpty()) {
            return Optional.empty();
        }
        return switch (setting.get().toLowerCase(Locale.ROOT)) {
            case "1", "on", "yes", "true" -> storage.config().text("path").map(FilePlugin::configured);
            case "0", "off", "no", "false" -> Optional.empty();
            default -> setting.map(FilePlugin::configured);
        };
    }
}
