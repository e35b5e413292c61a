package dev.tenon.core.storage.dir;

import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.BasePlugin;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The storage type {@code dir}: a directory of the host, which may be asked to be a mount point. */
public final class DirPlugin extends BasePlugin {
    private static final Path MOUNTS = Path.of("/proc/mounts");
    private static final String MOUNTS_KEY = "dir:mounts";

    private static final PluginData DATA = new PluginData(
            Set.of("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none"),
            Set.of("images", "rootdir"),
            Set.of("raw", "qcow2", "vmdk", "subvol"),
            "raw",
            Set.of(),
            Set.of(),
            false,
            Map.of());

    private static final PropertyOption FIXED = new PropertyOption(false, true);
    private static final PropertyOption OPTIONAL = new PropertyOption(true, false);
    private static final PropertyOption OPTIONAL_FIXED = new PropertyOption(true, true);

    private final Path mounts;

    public DirPlugin() {
        this(MOUNTS);
    }

    /** Reads the mounts from this file. */
    DirPlugin(Path mounts) {
        this.mounts = mounts;
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

    private static PropertySchema schema(String type, String description, Map<String, Object> more) {
        Map<String, Object> attributes = new LinkedHashMap<>(more);
        attributes.put("type", type);
        attributes.put("description", description);
        return new PropertySchema(attributes);
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
        Map<String, PropertyOption> options = new LinkedHashMap<>();
        options.put("path", FIXED);
        for (String name : new String[] {
            "content-dirs",
            "nodes",
            "shared",
            "disable",
            "prune-backups",
            "max-protected-backups",
            "content",
            "format",
            "mkdir",
            "create-base-path",
            "create-subdirs",
            "is_mountpoint",
            "bwlimit",
            "preallocation"
        }) {
            options.put(name, OPTIONAL);
        }
        options.put("snapshot-as-volume-chain", OPTIONAL_FIXED);
        return options;
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        boolean isMissing = requiredMountPoint(storage)
                .filter(mountPoint -> !isMounted(mountPoint, cache))
                .isPresent();
        return isMissing ? new StorageStatus.Inactive() : super.status(storage, cache);
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        requiredMountPoint(storage)
                .filter(mountPoint -> !isMounted(mountPoint, cache))
                .ifPresent(mountPoint -> {
                    throw StorageException.refused(
                            StorageError.STORAGE_UNAVAILABLE,
                            "unable to activate storage '" + storage.id()
                                    + "' - directory is expected to be a mount point but is not mounted: '" + mountPoint
                                    + "'");
                });
        StorageConfig config = storage.config();
        config.text("path")
                .filter(path -> path.startsWith("/"))
                .filter(path -> config.flag("create-base-path", config.flag("mkdir", true)))
                .ifPresent(path -> makeDirectories(storage, toPath(path)));
        super.activateStorage(storage, cache);
    }

    /** The directory that must be a mount point, empty if none must. */
    private static Optional<Path> requiredMountPoint(Storage storage) {
        Optional<String> setting = storage.config().text("is_mountpoint").filter(text -> !text.isEmpty());
        if (setting.isEmpty()) {
            return Optional.empty();
        }
        return switch (setting.get().toLowerCase(Locale.ROOT)) {
            case "1", "on", "yes", "true" -> storage.config().text("path").map(DirPlugin::toPath);
            case "0", "off", "no", "false" -> Optional.empty();
            default -> setting.map(DirPlugin::toPath);
        };
    }

    private static Path toPath(String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw StorageException.refused(StorageError.BAD_CONFIG, "path " + Quoted.of(text) + " is illegal");
        }
    }

    private boolean isMounted(Path directory, OperationCache cache) {
        return cache.get(MOUNTS_KEY, MountTable.class, () -> MountTable.read(mounts))
                .isMounted(directory);
    }

    @Override
    public SnapshotMethod snapshotMethod(Storage storage, VolumeName volume) {
        SnapshotMethod method = super.snapshotMethod(storage, volume);
        return method == SnapshotMethod.QEMU && hasSnapshotChains(storage) ? SnapshotMethod.MIXED : method;
    }

    @Override
    public Optional<String> attribute(Storage storage, VolumeName volume, VolumeAttribute attribute) {
        return backupAttribute(storage, volume, attribute);
    }

    @Override
    public void updateAttribute(Storage storage, VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        updateBackupAttribute(storage, volume, attribute, value);
    }
}
