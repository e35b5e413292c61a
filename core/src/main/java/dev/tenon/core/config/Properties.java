package dev.tenon.core.config;

import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.StoragePlugin;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The properties that any storage type may use, whoever declares them. */
final class Properties {
    private static final Map<String, Object> TEXT = Map.of("type", "string");
    private static final Map<String, Object> FLAG = Map.of("type", "boolean");

    /** What PVE declares for all types. */
    private static final Map<String, Map<String, Object>> OF_ALL_TYPES = Map.ofEntries(
            Map.entry("type", Map.of()),
            Map.entry("storage", text("pve-storage-id")),
            Map.entry("nodes", text("pve-node-list")),
            Map.entry("content", text("pve-storage-content-list")),
            Map.entry("disable", FLAG),
            Map.entry("prune-backups", text("prune-backups")),
            Map.entry("max-protected-backups", Map.of("type", "integer", "minimum", "-1")),
            Map.entry("shared", FLAG),
            Map.entry("subdir", text("pve-storage-path")),
            Map.entry("format", oneOf("string", "raw", "qcow2", "subvol", "vmdk")),
            Map.entry("preallocation", oneOf("string", "off", "metadata", "falloc", "full")),
            Map.entry("content-dirs", text("pve-dir-override-list")),
            Map.entry("options", text("pve-storage-options")),
            Map.entry("port", Map.of("type", "integer", "minimum", "1", "maximum", "65535")),
            Map.entry("snapshot-as-volume-chain", FLAG));

    /** What PVE's own types declare and others may use, for as long as those types are not here. */
    private static final Map<String, Map<String, Object>> OF_PVE = Map.ofEntries(
            Map.entry("authsupported", TEXT),
            Map.entry("base", text("pve-volume-id")),
            Map.entry("blocksize", text("pve-storage-zfs-blocksize")),
            Map.entry("comstar_hg", TEXT),
            Map.entry("comstar_tg", TEXT),
            Map.entry("data-pool", TEXT),
            Map.entry("datastore", TEXT),
            Map.entry("domain", Map.of("type", "string", "maxLength", "256")),
            Map.entry("encryption-key", TEXT),
            Map.entry("export", text("pve-storage-path")),
            Map.entry("fingerprint", Map.of("type", "string", "pattern", "([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}")),
            Map.entry("fs-name", text("pve-configid")),
            Map.entry("fuse", FLAG),
            Map.entry("iscsiprovider", TEXT),
            Map.entry("keyring", TEXT),
            Map.entry("krbd", FLAG),
            Map.entry("lio_tpg", TEXT),
            Map.entry("master-pubkey", TEXT),
            Map.entry("monhost", text("pve-storage-portal-dns-list")),
            Map.entry("mountpoint", text("pve-storage-path")),
            Map.entry("namespace", TEXT),
            Map.entry("nocow", FLAG),
            Map.entry("nowritecache", FLAG),
            Map.entry("on-volume-remove", TEXT),
            Map.entry("password", Map.of("type", "string", "maxLength", "256")),
            Map.entry("pool", TEXT),
            Map.entry("portal", text("pve-storage-portal-dns")),
            Map.entry("saferemove", FLAG),
            Map.entry("saferemove-stepsize", oneOf("integer", "1", "2", "4", "8", "16", "32")),
            Map.entry("saferemove_throughput", Map.of("type", "string", "pattern", "-?\\d+[kmgKMG]?")),
            Map.entry("server", text("pve-storage-server")),
            Map.entry("share", TEXT),
            Map.entry("skip-cert-verification", FLAG),
            Map.entry("smbversion", oneOf("string", "default", "2.0", "2.1", "3", "3.0", "3.11")),
            Map.entry("sparse", FLAG),
            Map.entry("tagged_only", FLAG),
            Map.entry("target", TEXT),
            Map.entry("thinpool", text("pve-storage-vgname")),
            Map.entry("username", TEXT),
            Map.entry("vgname", text("pve-storage-vgname")),
            Map.entry("zfs-base-path", text("pve-storage-path")));

    private final Map<String, Schema> shared = new HashMap<>();

    /** Those of all types that are here, too. */
    Properties(Collection<StoragePlugin> plugins) {
        OF_PVE.forEach((name, schema) -> shared.put(name, Schema.of(new PropertySchema(schema))));
        plugins.forEach(plugin -> plugin.properties().forEach((name, schema) -> shared.put(name, Schema.of(schema))));
        OF_ALL_TYPES.forEach((name, schema) -> shared.put(name, Schema.of(new PropertySchema(schema))));
    }

    /** The options of a type with their schemas; what it declares itself goes before what others do. */
    Map<String, Schema> of(StoragePlugin plugin) {
        Map<String, PropertySchema> own = plugin.properties();
        Map<String, Schema> schemas = new HashMap<>();
        for (String name : plugin.options().keySet()) {
            PropertySchema declared = own.get(name);
            Schema schema = declared == null ? shared.get(name) : Schema.of(declared);
            schemas.put(name, schema == null ? Schema.of(new PropertySchema(TEXT)) : schema);
        }
        return schemas;
    }

    private static Map<String, Object> text(String format) {
        return Map.of("type", "string", "format", format);
    }

    private static Map<String, Object> oneOf(String type, String... values) {
        return Map.of("type", type, "enum", List.of(values));
    }
}
