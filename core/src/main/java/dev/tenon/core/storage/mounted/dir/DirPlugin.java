package dev.tenon.core.storage.mounted.dir;

import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.storage.mounted.LocalPlugin;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** The storage type {@code dir}: a directory of the host, which may be asked to be a mount point. */
public final class DirPlugin extends LocalPlugin {
    private static final Path MOUNTS = Path.of("/proc/mounts");

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
    public String hostClass() {
        return "PVE::Storage::DirPlugin";
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
                "bwlimit",
                schema(
                        "string",
                        "Limits of input and output, in KiB/s.",
                        Map.of("format", bwlimit(), "optional", "1")));
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
}
