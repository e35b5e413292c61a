package dev.tenon.bridge.storage;

import static java.util.Map.entry;

import dev.tenon.bridge.storage.TypedCalls.TypedCall;
import dev.tenon.core.spi.Format;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import java.util.List;
import java.util.Map;

/** What a plugin is, and the storage as a whole. */
final class StorageCalls {

    static final Map<String, TypedCall> CALLS = Map.ofEntries(
            entry("api", (plugin, p, caller) -> new Int(StorageApi.API.level())),
            entry("type", (plugin, p, caller) -> Results.ofText(plugin.type())),
            entry("plugindata", (plugin, p, caller) -> Results.of(plugin.pluginData())),
            entry("properties", (plugin, p, caller) -> Results.ofProperties(plugin.properties())),
            entry("options", (plugin, p, caller) -> Results.ofOptions(plugin.options())),
            entry(
                    "get_subdir",
                    (plugin, p, caller) -> Results.ofText(plugin.getSubdir(p.storage(), p.contentType("vtype")))),
            entry("status", (plugin, p, caller) -> Results.of(plugin.status(p.storage(), p.cache()))),
            entry("activate_storage", (plugin, p, caller) -> {
                plugin.activateStorage(p.storage(), p.cache());
                return Nil.NIL;
            }),
            entry("deactivate_storage", (plugin, p, caller) -> {
                plugin.deactivateStorage(p.storage(), p.cache());
                return Nil.NIL;
            }),
            entry("check_connection", (plugin, p, caller) -> new Bool(plugin.checkConnection(p.storage()))),
            entry("get_formats", (plugin, p, caller) -> Results.of(plugin.formats(p.storage()))),
            entry(
                    "storage_can_replicate",
                    (plugin, p, caller) ->
                            new Bool(plugin.canReplicate(p.storage(), Format.ofWord(p.required("format"))))),
            entry("get_identity", (plugin, p, caller) -> Results.ofText(plugin.identity(p.storage()))),
            entry("cluster_lock_storage", (plugin, p, caller) -> {
                long work = p.number("func");
                plugin.lockStorage(
                        p.storageId(), p.flag("shared"), p.seconds("timeout"), () -> caller.run(work, List.of()));
                return Nil.NIL;
            }));

    private StorageCalls() {}
}
