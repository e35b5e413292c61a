package dev.tenon.bridge.storage;

import dev.tenon.bridge.backup.BackupApi;
import dev.tenon.bridge.codec.Callbacks;
import dev.tenon.bridge.codec.Callee;
import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.codec.Incoming;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.codec.TypedApi;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.storage.directory.InheritedBase;
import dev.tenon.proto.Api;
import dev.tenon.proto.Type.Kind;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The storage plugin API, as it crosses: every row of its table is a method of {@link StoragePlugin}, but for a few. */
public final class StorageApi {
    public static final Api API = Api.named("storage-plugin");

    static final TypedApi<StoragePlugin> TYPED = new TypedApi<>(
            API,
            StoragePlugin.class,
            Callbacks.addedTo(Transfers.addedTo(StorageAnswers.addedTo(StorageTypes.arguments())))
                    .with(BackupProvider.class, BackupApi.BY_TOKEN, Kind.PROVIDER),
            Map.ofEntries(
                    Map.entry("api", (plugin, params, call) -> new Int(API.level())),
                    Map.entry("check_config", StorageApi::checkConfig),
                    Map.entry("on_update_hook", StorageApi::onUpdate),
                    Map.entry("volume_has_feature", StorageApi::hasFeature),
                    Map.entry("volume_snapshot_list", StorageApi::snapshotNames),
                    Map.entry("get_volume_attribute", StorageApi::attribute),
                    Map.entry("update_volume_attribute", StorageApi::updateAttribute),
                    Map.entry("get_volume_notes", StorageApi::notes),
                    Map.entry("update_volume_notes", StorageApi::updateNotes),
                    Map.entry("new_backup_provider", StorageApi::backupProvider)));

    private StorageApi() {}

    /** A storage plugin as something whose methods are called by name. */
    public static Callee callee(StoragePlugin plugin) {
        return TYPED.callee(plugin);
    }

    /**
     * Arguments as they cross.
     *
     * @param operation the method of {@link StoragePlugin} that they are for
     */
    public static Fields params(String operation, List<@Nullable Object> arguments, Outgoing call) {
        return new Fields(TYPED.method(operation).params(arguments, call));
    }

    /**
     * An answer as it crosses.
     *
     * @param operation the method of {@link StoragePlugin} whose answer it is
     */
    public static Value answer(String operation, Object answer) {
        try (Incoming call = new Incoming(Value.fields(), Caller.NONE)) {
            return TYPED.method(operation).answering().write(answer, List.of(), call);
        }
    }

    /** As the method of this name would answer, with the same parameters. */
    private static Value as(String method, StoragePlugin plugin, Fields params, Incoming call) {
        return TYPED.method(method).call(plugin, params, call);
    }

    private static Value checkConfig(StoragePlugin plugin, Fields params, Incoming call) {
        Value checked = as("checkConfig", plugin, params, call);
        Value before = Codec.TREE.write(Codec.TREE.read(params.get("config")));
        return API.method("check_config").wrap(checked, checked.equals(before) ? Nil.NIL : checked);
    }

    /** Hosts below level 13 tell what changes, and nothing of what was before. */
    private static Value onUpdate(StoragePlugin plugin, Fields params, Incoming call) {
        Map<String, Object> update = Codec.TREE.read(params.get("update"));
        Secrets secrets = StorageTypes.SECRETS.read(params.get("sensitive"));
        // The hook gets no section that says the type, and the base of all plugins has none.
        String type = plugin instanceof InheritedBase ? "" : plugin.type();
        Storage storage =
                new Storage(new StorageId(Codec.TEXT.read(params.get("storeid"))), new StorageConfig(type, update));
        ConfigChange change = new ConfigChange(update, List.copyOf(secrets.deleted()), secrets);
        return TYPED.method("onUpdate")
                .answering()
                .write(plugin.onUpdate(storage, change), List.of(storage, change), call);
    }

    private static Value hasFeature(StoragePlugin plugin, Fields params, Incoming call) {
        boolean isKnown = Feature.ofWord(Codec.TEXT.read(params.get("feature"))).isPresent();
        return isKnown ? as("hasFeature", plugin, params, call) : new Bool(false);
    }

    private static Value snapshotNames(StoragePlugin plugin, Fields params, Incoming call) {
        return new Seq(Codec.fields(as("snapshots", plugin, params, call)).entries().keySet().stream()
                .filter(name -> !name.equals("current"))
                .sorted()
                .map(Value::ofText)
                .toList());
    }

    private static Value attribute(StoragePlugin plugin, Fields params, Incoming call) {
        return isAttribute(params) ? as("attribute", plugin, params, call) : Nil.NIL;
    }

    private static boolean isAttribute(Fields params) {
        return VolumeAttribute.ofWord(word(params)).isPresent();
    }

    private static String word(Fields params) {
        return Codec.TEXT.read(params.get("attribute"));
    }

    private static Value updateAttribute(StoragePlugin plugin, Fields params, Incoming call) {
        if (!isAttribute(params)) {
            throw unsupported("attribute '" + word(params) + "' is", plugin);
        }
        return as("updateAttribute", plugin, params, call);
    }

    private static Value notes(StoragePlugin plugin, Fields params, Incoming call) {
        Value notes = as("attribute", plugin, ofNotes(params, Nil.NIL), call);
        if (notes instanceof Nil) {
            throw unsupported("volume notes are", plugin);
        }
        return notes;
    }

    private static Value updateNotes(StoragePlugin plugin, Fields params, Incoming call) {
        return as("updateAttribute", plugin, ofNotes(params, params.get("notes")), call);
    }

    private static Fields ofNotes(Fields params, Value notes) {
        Map<String, Value> entries = new LinkedHashMap<>(params.entries());
        entries.put("attribute", Value.ofText(VolumeAttribute.NOTES.word()));
        entries.put("value", notes);
        return new Fields(entries);
    }

    private static Value backupProvider(StoragePlugin plugin, Fields params, Incoming call) {
        Storage storage = (Storage) Objects.requireNonNull(
                TYPED.method("newBackupProvider").arguments().getFirst().read(params, call));
        return BackupApi.held(
                storage.id(), params.get("log_function"), call.caller(), log -> plugin.newBackupProvider(storage, log));
    }

    private static StorageException unsupported(String what, StoragePlugin plugin) {
        return StorageException.refused(
                StorageError.NOT_SUPPORTED, what + " not supported for storage type '" + plugin.type() + "'");
    }
}
