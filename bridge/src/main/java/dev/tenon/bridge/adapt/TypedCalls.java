package dev.tenon.bridge.adapt;

import static java.util.Map.entry;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.proto.Method;
import dev.tenon.proto.MethodTable;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** A call by name and named parameters, as a call of a {@link StoragePlugin}. Its counterpart is {@link CallingPlugin}. */
public final class TypedCalls {
    private static final MethodTable TABLE = MethodTable.storagePlugin();

    @FunctionalInterface
    private interface TypedCall {
        Value on(StoragePlugin plugin, Params params);
    }

    private static final Map<String, TypedCall> CALLS = Map.ofEntries(
            entry("api", (plugin, p) -> new Int(TABLE.newestLevel())),
            entry("type", (plugin, p) -> Results.ofText(plugin.type())),
            entry("plugindata", (plugin, p) -> Results.of(plugin.pluginData())),
            entry("properties", (plugin, p) -> Results.ofProperties(plugin.properties())),
            entry("options", (plugin, p) -> Results.ofOptions(plugin.options())),
            entry("parse_volname", (plugin, p) -> Results.of(plugin.parseVolname(p.volume()))),
            entry("path", (plugin, p) -> Results.of(plugin.path(p.storage(), p.volume(), p.snapshot()))),
            entry(
                    "filesystem_path",
                    (plugin, p) -> Results.of(plugin.filesystemPath(p.storage(), p.volume(), p.snapshot()))),
            entry("get_subdir", (plugin, p) -> Results.ofText(plugin.getSubdir(p.storage(), p.contentType("vtype")))),
            entry(
                    "list_images",
                    (plugin, p) -> Results.ofImages(plugin.listImages(p.storage(), p.filter(), p.cache()))),
            entry(
                    "volume_size_info",
                    (plugin, p) -> Results.of(plugin.volumeSizeInfo(p.storage(), p.volume(), p.seconds("timeout")))),
            entry("status", (plugin, p) -> Results.of(plugin.status(p.storage(), p.cache()))),
            entry("activate_storage", (plugin, p) -> {
                plugin.activateStorage(p.storage(), p.cache());
                return Nil.NIL;
            }),
            entry("deactivate_storage", (plugin, p) -> {
                plugin.deactivateStorage(p.storage(), p.cache());
                return Nil.NIL;
            }),
            entry("activate_volume", (plugin, p) -> {
                plugin.activateVolume(p.storage(), p.volume(), p.snapshot(), p.cache(), p.hints());
                return Nil.NIL;
            }),
            entry("deactivate_volume", (plugin, p) -> {
                plugin.deactivateVolume(p.storage(), p.volume(), p.snapshot(), p.cache());
                return Nil.NIL;
            }),
            entry(
                    "find_free_diskname",
                    (plugin, p) -> Results.ofText(
                            plugin.findFreeDiskname(p.storage(), p.vmid(), p.format("fmt"), p.flag("add_fmt_suffix")))),
            entry("alloc_image", (plugin, p) -> {
                Format format = p.format("fmt");
                if (format == null) {
                    throw StorageException.refused(StorageError.BAD_PARAMETER, "alloc_image: no format specified");
                }
                return Results.of(plugin.allocImage(p.storage(), p.vmid(), format, p.text("name"), p.kib("size")));
            }),
            entry("free_image", (plugin, p) -> {
                plugin.freeImage(p.storage(), p.volume(), p.flag("isBase"), p.format("format"));
                return Nil.NIL;
            }));

    private TypedCalls() {}

    /** The methods that can be called; all rows of the table. */
    static Set<String> methods() {
        return CALLS.keySet();
    }

    /**
     * Checks the parameters against the table and calls the plugin.
     *
     * @throws dev.tenon.proto.ProtocolException {@code UNKNOWN_METHOD}, {@code BAD_PARAMETER}
     * @throws StorageException what the plugin throws
     */
    public static Value call(StoragePlugin plugin, String method, Fields params) {
        Method row = TABLE.method(method);
        row.checkParams(params);
        return Objects.requireNonNull(CALLS.get(method), method).on(plugin, Params.of(params));
    }
}
