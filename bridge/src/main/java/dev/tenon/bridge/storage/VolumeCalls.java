package dev.tenon.bridge.storage;

import static java.util.Map.entry;

import dev.tenon.bridge.codec.RemoteStorageException;
import dev.tenon.bridge.storage.TypedCalls.TypedCall;
import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.WireError;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What can be done with a volume that exists. */
final class VolumeCalls {

    static final Map<String, TypedCall> CALLS = Map.ofEntries(
            entry(
                    "volume_size_info",
                    (plugin, p, caller) ->
                            Results.of(plugin.volumeSizeInfo(p.storage(), p.volume(), p.seconds("timeout")))),
            entry("activate_volume", (plugin, p, caller) -> {
                plugin.activateVolume(p.storage(), p.volume(), p.snapshot(), p.cache(), p.hints());
                return Nil.NIL;
            }),
            entry("deactivate_volume", (plugin, p, caller) -> {
                plugin.deactivateVolume(p.storage(), p.volume(), p.snapshot(), p.cache());
                return Nil.NIL;
            }),
            entry(
                    "map_volume",
                    (plugin, p, caller) ->
                            nullable(plugin.mapVolume(p.storage(), p.volume(), p.snapshot(), p.hints()))),
            entry("unmap_volume", (plugin, p, caller) -> {
                plugin.unmapVolume(p.storage(), p.volume(), p.snapshot());
                return Nil.NIL;
            }),
            entry("volume_resize", (plugin, p, caller) -> {
                plugin.resizeVolume(p.storage(), p.volume(), p.bytes("size"), p.flag("running"), p.snapshot());
                return Nil.NIL;
            }),
            entry("volume_snapshot", (plugin, p, caller) -> {
                plugin.snapshotVolume(p.storage(), p.volume(), p.snapshot("snap"));
                return Nil.NIL;
            }),
            entry("volume_rollback_is_possible", (plugin, p, caller) -> rollbackIsPossible(plugin, p)),
            entry("volume_snapshot_rollback", (plugin, p, caller) -> {
                plugin.rollback(p.storage(), p.volume(), p.snapshot("snap"));
                return Nil.NIL;
            }),
            entry("volume_snapshot_delete", (plugin, p, caller) -> {
                plugin.deleteSnapshot(p.storage(), p.volume(), p.snapshot("snap"), p.flag("running"));
                return Nil.NIL;
            }),
            entry("volume_snapshot_needs_fsfreeze", (plugin, p, caller) -> new Bool(plugin.snapshotNeedsFreeze())),
            entry(
                    "volume_snapshot_info",
                    (plugin, p, caller) -> Results.ofSnapshots(plugin.snapshots(p.storage(), p.volume()))),
            entry(
                    "volume_snapshot_list",
                    (plugin, p, caller) -> Results.ofWords(plugin.snapshots(p.storage(), p.volume()).keySet().stream()
                            .filter(name -> !name.equals("current"))
                            .sorted()
                            .toList())),
            entry("rename_snapshot", (plugin, p, caller) -> {
                plugin.renameSnapshot(p.storage(), p.volume(), p.snapshot("source_snap"), p.snapshot("target_snap"));
                return Nil.NIL;
            }),
            entry(
                    "volume_qemu_snapshot_method",
                    (plugin, p, caller) -> Results.ofText(
                            plugin.snapshotMethod(p.storage(), p.volume()).word())),
            entry("volume_has_feature", (plugin, p, caller) -> hasFeature(plugin, p)),
            entry(
                    "get_volume_attribute",
                    (plugin, p, caller) -> nullable(VolumeAttribute.ofWord(p.required("attribute"))
                            .flatMap(attribute -> plugin.attribute(p.storage(), p.volume(), attribute)))),
            entry("update_volume_attribute", (plugin, p, caller) -> {
                String word = p.required("attribute");
                VolumeAttribute attribute = VolumeAttribute.ofWord(word)
                        .orElseThrow(() -> StorageException.refused(
                                StorageError.NOT_SUPPORTED,
                                "attribute '" + word + "' is not supported for storage type '" + plugin.type() + "'"));
                plugin.updateAttribute(p.storage(), p.volume(), attribute, p.text("value"));
                return Nil.NIL;
            }),
            entry(
                    "get_volume_notes",
                    (plugin, p, caller) ->
                            Results.ofText(plugin.attribute(p.storage(), p.volume(), VolumeAttribute.NOTES)
                                    .orElseThrow(() -> noNotes(plugin)))),
            entry("update_volume_notes", (plugin, p, caller) -> {
                plugin.updateAttribute(p.storage(), p.volume(), VolumeAttribute.NOTES, p.text("notes"));
                return Nil.NIL;
            }),
            entry("qemu_blockdev_options", (plugin, p, caller) -> blockdevOptions(plugin, p)),
            entry(
                    "get_import_metadata",
                    (plugin, p, caller) -> Results.ofJson(plugin.importMetadata(p.storage(), p.volume()))),
            entry(
                    "volume_export_formats",
                    (plugin, p, caller) ->
                            Results.ofWords(plugin.exportFormats(p.storage(), p.volume(), p.transfer()))),
            entry(
                    "volume_import_formats",
                    (plugin, p, caller) ->
                            Results.ofWords(plugin.importFormats(p.storage(), p.volume(), p.transfer()))),
            entry("volume_export", Transfers::export),
            entry("volume_import", Transfers::importing),
            entry("new_backup_provider", notYet("a backup provider")));

    private VolumeCalls() {}

    private static TypedCall notYet(String what) {
        return (plugin, p, caller) -> {
            throw StorageException.refused(StorageError.NOT_SUPPORTED, what + " cannot cross yet");
        };
    }

    private static Value nullable(Optional<String> text) {
        return text.<Value>map(Value::ofText).orElse(Nil.NIL);
    }

    private static StorageException noNotes(StoragePlugin plugin) {
        return StorageException.refused(
                StorageError.NOT_SUPPORTED, "volume notes are not supported for storage type '" + plugin.type() + "'");
    }

    /** To Perl a volume that cannot go back is an error, and the blockers are pushed into the caller's own array. */
    private static Value rollbackIsPossible(StoragePlugin plugin, Params p) {
        Rollback answer = plugin.rollbackIsPossible(p.storage(), p.volume(), p.snapshot("snap"));
        if (answer instanceof Rollback.Blocked(String reason, List<SnapshotName> blockers)) {
            Map<String, Value> changed = new LinkedHashMap<>();
            if (p.isGiven("blockers")) {
                Set<String> names = new LinkedHashSet<>(p.words("blockers"));
                blockers.forEach(name -> names.add(name.value()));
                changed.put("blockers", Results.ofWords(List.copyOf(names)));
            }
            throw new RemoteStorageException(
                    StorageError.PLUGIN_DIED,
                    Outcome.NOT_STARTED,
                    reason,
                    new WireError(
                            ErrorCode.PLUGIN_DIED.code(),
                            reason,
                            dev.tenon.proto.Outcome.NOT_STARTED,
                            "daemon",
                            new WireError.Die(new Value.Bytes((reason + "\n").getBytes(StandardCharsets.UTF_8)), true),
                            Nil.NIL,
                            new Value.Fields(changed)));
        }
        return StorageApi.API
                .method("volume_rollback_is_possible")
                .wrap(new Method.Answer(new Bool(true), Value.fields()));
    }

    private static Value hasFeature(StoragePlugin plugin, Params p) {
        Optional<Feature> feature = Feature.ofWord(p.required("feature"));
        if (feature.isEmpty()) {
            return new Bool(false);
        }
        return new Bool(plugin.hasFeature(
                p.storage(), feature.get(), p.volume(), p.snapshot(), p.flag("running"), targetFormats(p)));
    }

    private static @Nullable Set<Format> targetFormats(Params p) {
        if (!(p.section("opts").get("valid_target_formats") instanceof List<?> words)) {
            return null;
        }
        Set<Format> formats = new LinkedHashSet<>();
        words.forEach(word -> formats.add(Format.ofWord(String.valueOf(word))));
        return formats;
    }

    private static Value blockdevOptions(StoragePlugin plugin, Params p) {
        Map<String, Object> options = p.section("options");
        Map<String, Long> hints = new LinkedHashMap<>();
        if (options.get("hints") instanceof Map<?, ?> given) {
            Consumer<Map.Entry<?, ?>> copy = hint -> hints.put(
                    String.valueOf(hint.getKey()),
                    String.valueOf(hint.getValue()).matches("0|") ? 0L : 1L);
            given.entrySet().forEach(copy);
        }
        SnapshotName snapshot = options.get("snapshot-name") instanceof String name ? new SnapshotName(name) : null;
        return Results.ofJson(plugin.blockdevOptions(
                p.storage(), p.volume(), new BlockdevQuery(p.text("machine_version"), snapshot, new Hints(hints))));
    }
}
