package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.common.DeclaredDevicePlugin.Declaration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** The properties of the type, which are those of PVE's. */
final class Configuration {
    static final String POOL = "pool";
    static final String MOUNTPOINT = "mountpoint";
    private static final String BLOCK_SIZE = "blocksize";
    private static final String SPARSE = "sparse";

    private static final Pattern PLACE = Pattern.compile("[A-Za-z][A-Za-z0-9_.:-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.:-]*)*");

    static final Declaration TYPE = new Declaration(
            "zfspool",
            new PluginData(
                    Set.of("images", "rootdir"),
                    Set.of("images", "rootdir"),
                    Set.of("raw", "subvol"),
                    "raw",
                    Set.of(),
                    Set.of(),
                    false,
                    Map.of()),
            properties(),
            options());

    private Configuration() {}

    private static Map<String, PropertySchema> properties() {
        Map<String, PropertySchema> properties = new LinkedHashMap<>();
        properties.put(
                BLOCK_SIZE,
                new PropertySchema(Map.of(
                        "type",
                        "string",
                        "description",
                        "The block size of new volumes.",
                        "format",
                        "pve-storage-zfs-blocksize")));
        properties.put(
                SPARSE,
                new PropertySchema(
                        Map.of("type", "boolean", "description", "New volumes reserve no space for their content.")));
        properties.put(
                MOUNTPOINT,
                new PropertySchema(Map.of(
                        "type",
                        "string",
                        "description",
                        "Where the pool is mounted, '/' and its name if not given.",
                        "format",
                        "pve-storage-path")));
        return properties;
    }

    private static Map<String, PropertyOption> options() {
        Map<String, PropertyOption> options = new LinkedHashMap<>();
        options.put(POOL, new PropertyOption(false, true));
        for (String name : List.of(BLOCK_SIZE, SPARSE, "nodes", "disable", "content", "bwlimit", MOUNTPOINT)) {
            options.put(name, new PropertyOption(true, false));
        }
        return options;
    }

    /**
     * Refuses a value that would mean another place than it says.
     *
     * @throws StorageException {@code BAD_CONFIG}
     */
    static void check(StorageId storage, Map<String, Object> properties) {
        Object place = properties.get(POOL);
        if (place != null
                && !(place instanceof String text && PLACE.matcher(text).matches())) {
            throw bad(storage, String.valueOf(place));
        }
    }

    private static StorageException bad(StorageId storage, String place) {
        return StorageException.refused(
                StorageError.BAD_CONFIG,
                "storage '" + storage + "': property '" + POOL + "' cannot be " + Quoted.of(place)
                        + ": it is a pool of ZFS, or a dataset in one");
    }

    /** The dataset of the storage: a pool, or a dataset in one. */
    static String place(Storage storage) {
        String place = storage.config().text(POOL).orElse("");
        if (!PLACE.matcher(place).matches()) {
            throw bad(storage.id(), place);
        }
        return place;
    }

    /** The pool that the storage is in. */
    static String pool(Storage storage) {
        return place(storage).replaceFirst("/.*", "");
    }

    static Optional<String> blockSize(Storage storage) {
        return storage.config().text(BLOCK_SIZE).filter(text -> !text.isEmpty());
    }

    static boolean isSparse(Storage storage) {
        return storage.config().flag(SPARSE, false);
    }

    /** Where file systems of the storage are mounted. */
    static String mountpoint(Storage storage) {
        return storage.config().text(MOUNTPOINT).orElseGet(() -> "/" + place(storage));
    }
}
