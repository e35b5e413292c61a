package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.common.CephCluster;
import dev.tenon.core.storage.common.DeclaredDevicePlugin.Declaration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** The properties of the type, which are those of PVE's. */
final class Configuration {
    static final String MONITORS = "monhost";
    static final String POOL = "pool";
    static final String DATA_POOL = "data-pool";
    static final String NAMESPACE = "namespace";
    static final String USER = "username";
    static final String KERNEL = "krbd";
    static final String KEYRING = "keyring";

    /** What separates the parts of an image's name in Ceph and in QEMU's, and what options begin with, is in none. */
    private static final Pattern PART = Pattern.compile("[^-\\x00-\\x20\\x7f/@:\\\\][^\\x00-\\x20\\x7f/@:\\\\]*");

    static final Declaration TYPE = new Declaration(
            "rbd",
            new PluginData(
                    Set.of("images", "rootdir"),
                    Set.of("images"),
                    Set.of(),
                    null,
                    Set.of(KEYRING),
                    Set.of(),
                    false,
                    Map.of()),
            properties(),
            options());

    private Configuration() {}

    private static Map<String, PropertySchema> properties() {
        Map<String, PropertySchema> properties = new LinkedHashMap<>();
        properties.put(
                MONITORS,
                new PropertySchema(Map.of(
                        "type",
                        "string",
                        "description",
                        "The monitors of a cluster that is not PVE's own.",
                        "format",
                        "pve-storage-portal-dns-list")));
        properties.put(POOL, text("The pool, 'rbd' if not given."));
        properties.put(DATA_POOL, text("The pool of the images' data, if it is another one."));
        properties.put(NAMESPACE, text("The namespace in the pool."));
        properties.put(USER, text("The user of Ceph, 'admin' if not given."));
        properties.put(
                KERNEL,
                new PropertySchema(Map.of(
                        "type",
                        "boolean",
                        "description",
                        "Guests use devices of the kernel instead of QEMU's own client.",
                        "default",
                        0)));
        properties.put(KEYRING, text("The keyring of the user, for a cluster that is not PVE's own."));
        return properties;
    }

    private static PropertySchema text(String description) {
        return new PropertySchema(Map.of("type", "string", "description", description));
    }

    private static Map<String, PropertyOption> options() {
        Map<String, PropertyOption> options = new LinkedHashMap<>();
        for (String name : List.of(
                "nodes", "disable", MONITORS, POOL, DATA_POOL, NAMESPACE, USER, "content", KERNEL, KEYRING,
                "bwlimit")) {
            options.put(name, new PropertyOption(true, false));
        }
        return options;
    }

    /**
     * Refuses values that would mean another place than they say.
     *
     * @throws StorageException {@code BAD_CONFIG}
     */
    static void check(StorageId storage, Map<String, Object> properties) {
        properties.forEach((name, value) -> {
            boolean isGood = switch (name) {
                case POOL, DATA_POOL, NAMESPACE, USER ->
                    value instanceof String text && PART.matcher(text).matches();
                case MONITORS ->
                    value instanceof String text && !CephCluster.hosts(text).isEmpty();
                default -> true;
            };
            if (!isGood) {
                throw bad(storage, name, String.valueOf(value));
            }
        });
    }

    private static StorageException bad(StorageId storage, String name, String value) {
        return StorageException.refused(
                StorageError.BAD_CONFIG,
                "storage '" + storage + "': property '" + name + "' cannot be " + Quoted.of(value));
    }

    private static Optional<String> part(Storage storage, String name) {
        Optional<String> value = storage.config().text(name).filter(text -> !text.isEmpty());
        value.filter(text -> !PART.matcher(text).matches()).ifPresent(text -> {
            throw bad(storage.id(), name, text);
        });
        return value;
    }

    static String pool(Storage storage) {
        return part(storage, POOL).orElse("rbd");
    }

    static Optional<String> dataPool(Storage storage) {
        return part(storage, DATA_POOL);
    }

    static Optional<String> namespace(Storage storage) {
        return part(storage, NAMESPACE);
    }

    static String user(Storage storage) {
        return part(storage, USER).orElse("admin");
    }

    /** Those of a cluster that is not PVE's own; empty for PVE's. */
    static Optional<String> monitors(Storage storage) {
        return storage.config().text(MONITORS);
    }

    /** Whether guests use devices of the kernel. */
    static boolean isMapped(Storage storage) {
        return storage.config().flag(KERNEL, false);
    }

    /** An image of the storage, or its snapshot, as Ceph names it among all pools. */
    static String place(Storage storage, String image) {
        return pool(storage) + namespace(storage).map(name -> "/" + name).orElse("") + "/" + image;
    }
}
