package dev.tenon.bridge.storage;

import static java.util.Map.entry;

import dev.tenon.bridge.codec.Trees;
import dev.tenon.bridge.storage.TypedCalls.TypedCall;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Nil;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a plugin does when the configuration of a storage changes. */
final class ConfigCalls {

    static final Map<String, TypedCall> CALLS = Map.ofEntries(
            entry("check_config", (plugin, p, caller) -> {
                Map<String, Object> config = p.section("config");
                Map<String, Object> checked = plugin.checkConfig(p.storageId(), config, p.flag("create"));
                return answer("check_config", "config", config, checked, Trees.toValue(checked));
            }),
            entry("on_add_hook", (plugin, p, caller) -> {
                Storage storage = p.storage();
                return hook(
                        "on_add_hook", "scfg", written(storage), withType(storage, plugin.onAdd(storage, p.secrets())));
            }),
            entry("on_update_hook", (plugin, p, caller) -> {
                // Hosts below level 13 tell what changes, and nothing of what was before.
                Map<String, Object> update = p.section("update");
                StorageConfig config = new StorageConfig(plugin.type(), update);
                ConfigChange change =
                        new ConfigChange(update, List.copyOf(p.secrets().deleted()), p.secrets());
                return hook(
                        "on_update_hook",
                        "update",
                        update,
                        plugin.onUpdate(new Storage(p.storageId(), config), change));
            }),
            entry("on_update_hook_full", (plugin, p, caller) -> {
                Map<String, Object> update = p.section("update");
                return hook(
                        "on_update_hook_full",
                        "update",
                        update,
                        plugin.onUpdate(p.storage(), new ConfigChange(update, p.words("delete"), p.secrets())));
            }),
            entry("on_delete_hook", (plugin, p, caller) -> {
                plugin.onDelete(p.storage());
                return Nil.NIL;
            }));

    private ConfigCalls() {}

    private static Map<String, Object> written(Storage storage) {
        Map<String, Object> section = new LinkedHashMap<>(storage.config().properties());
        section.put("type", storage.config().type());
        return section;
    }

    private static HookResult withType(Storage storage, HookResult result) {
        Map<String, Object> section = new LinkedHashMap<>(result.properties());
        section.putIfAbsent("type", storage.config().type());
        return new HookResult(section, result.answer());
    }

    private static Value hook(String method, String param, Map<String, Object> before, HookResult result) {
        Value answer = result.answer().isEmpty() ? Nil.NIL : Trees.toValue(result.answer());
        return answer(method, param, before, result.properties(), answer);
    }

    private static Value answer(
            String method, String param, Map<String, Object> before, Map<String, Object> after, Value result) {
        Value.Fields changed = before.equals(after) ? Value.fields() : Value.fields(param, Trees.toValue(after));
        return StorageApi.API.method(method).wrap(new Method.Answer(result, changed));
    }
}
