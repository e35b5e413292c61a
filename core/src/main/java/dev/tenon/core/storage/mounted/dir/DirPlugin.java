package dev.tenon.core.storage.mounted.dir;

import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.storage.mounted.FilePlugin;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The storage type {@code dir}: a directory of the host, which may be asked to be a mount point. */
public final class DirPlugin extends FilePlugin {
    private static final Path MOUNTS = Path.of("/proc/mounts");
    private static final Pattern PATH = Pattern.compile("/[-/a-zA-Z0-9_.@]+");

    private static final PluginData DATA = new PluginData(
            Set.of("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none"),
            Set.of("images", "rootdir"),
            Set.of("raw", "qcow2", "vmdk", "subvol"),
            "raw",
            Set.of(),
            Set.of(),
            false,
            Map.of());

    public DirPlugin() {
        this(MOUNTS);
    }

    /** Reads the mounts from this file. */
    DirPlugin(Path mounts) {
        super(mounts);
    }

    /** Reads the mounts and the list of guests from these files. */
    DirPlugin(Path mounts, Path guests) {
        super(mounts, guests);
    }

    @Override
    public String type() {
        return "dir";
    }

    @Override
    public PluginData pluginData() {
        return DATA;
    }

    @Override
    public Map<String, PropertySchema> properties() {
        Map<String, PropertySchema> properties = new LinkedHashMap<>();
        properties.put("path", schema("string", "File system path.", Map.of("format", "pve-storage-path")));
        properties.put(
                "mkdir",
                schema(
                        "boolean",
                        "Create the directory if it does not exist, and the directories for its content. Deprecated: use"
                                + " 'create-base-path' and 'create-subdirs'.",
                        Map.of("default", "yes")));
        properties.put(
                "create-base-path",
                schema("boolean", "Create the base directory if it does not exist.", Map.of("default", "yes")));
        properties.put(
                "create-subdirs",
                schema("boolean", "Create the directories for the configured content.", Map.of("default", "yes")));
        properties.put(
                "is_mountpoint",
                schema(
                        "string",
                        "A path that must be a mount point for the storage to be usable; 'yes' means the storage's own"
                                + " path.",
                        Map.of("default", "no")));
        properties.put(
                "bwlimit", schema("string", "Limits of input and output, in KiB/s.", Map.of("format", bwlimit())));
        return properties;
    }

    private static Map<String, Object> bwlimit() {
        Map<String, Object> limits = new LinkedHashMap<>();
        for (String operation : new String[] {"default", "clone", "migration", "move", "restore"}) {
            limits.put(
                    operation,
                    Map.of(
                            "type", "number",
                            "minimum", "0",
                            "optional", "1",
                            "format_description", "LIMIT",
                            "description", "Limit in KiB/s for '" + operation + "'."));
        }
        return limits;
    }

    @Override
    public Map<String, PropertyOption> options() {
        Map<String, PropertyOption> options = commonOptions();
        options.put("shared", OPTIONAL);
        options.put("is_mountpoint", OPTIONAL);
        options.put("preallocation", OPTIONAL);
        options.put("snapshot-as-volume-chain", OPTIONAL_FIXED);
        return options;
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

    /** Its shortest form. What {@code ..} means below the root only the file system knows. */
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
        super.activateStorage(storage, cache);
    }

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
