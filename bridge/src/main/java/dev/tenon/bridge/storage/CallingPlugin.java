package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.codec.RemoteStorageException;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.storage.common.FormatNames;
import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A storage plugin that turns every typed call into a call by name and named parameters, and where the plugin that is
 * called is of an older level, into one that it understands.
 */
public abstract class CallingPlugin implements StoragePlugin {
    private static final int UPDATE_WITH_SECTION = 13;
    private static final int RESIZE_OF_SNAPSHOTS = 15;

    /** With these words base classes say that a storage cannot note anything; PVE looks for them too. */
    private static final String NO_NOTES = "volume notes are not supported";

    /** The functions that calls under way have handed over; the far side runs them. */
    protected final Functions functions = new Functions();

    /** What the plugin that is called understands. */
    protected abstract Dialect dialect();

    /**
     * Does work that a {@code free_image} left, by its token.
     *
     * @throws dev.tenon.core.spi.StorageException if it fails, or was done before
     */
    protected abstract void claim(String token);

    /**
     * Makes a call that names an open descriptor of this process.
     *
     * @param call gets the token by which the far side claims the descriptor while the call runs
     */
    protected abstract <T> T offering(int descriptor, Function<String, T> call);

    /**
     * Makes the call.
     *
     * @return the answer, of the shape that the method table says
     * @throws dev.tenon.core.spi.StorageException if it fails
     */
    protected abstract Value call(String method, Fields params);

    private Value call(String method, Params params) {
        return call(method, params.toFields());
    }

    private static Params about(Storage storage) {
        return Params.writing().storage(storage);
    }

    @Override
    public String type() {
        return Results.text(call("type", Params.writing()));
    }

    @Override
    public PluginData pluginData() {
        return Results.pluginData(call("plugindata", Params.writing()));
    }

    @Override
    public Map<String, PropertySchema> properties() {
        return Results.properties(call("properties", Params.writing()));
    }

    @Override
    public Map<String, PropertyOption> options() {
        return Results.options(call("options", Params.writing()));
    }

    @Override
    public ParsedVolume parseVolname(VolumeName volume) {
        return Results.parsedVolume(call("parse_volname", Params.writing().volume(volume)));
    }

    // ---- how names of images tell their formats

    @Override
    public Map<Format, String> formatExtensions() {
        return namesFormats()
                ? Results.extensions(call("FORMAT_EXTENSION", Params.writing()))
                : FormatNames.FILES.extensions();
    }

    @Override
    public boolean isValidFormat(Format format) {
        return namesFormats()
                ? Results.truth(call("is_valid_format", Params.writing().format("fmt", format)))
                : FormatNames.FILES.isValid(format);
    }

    @Override
    public Optional<String> formatExtension(Format format) {
        return namesFormats()
                ? Results.optionalText(
                        call("get_format_extension", Params.writing().format("fmt", format)))
                : FormatNames.FILES.extension(format);
    }

    @Override
    public Optional<Format> parsedFormat(String name) {
        return namesFormats()
                ? Results.optionalText(
                                call("get_parsed_format", Params.writing().text("name", name)))
                        .map(Format::ofWord)
                : FormatNames.FILES.parsed(name);
    }

    @Override
    public String nameWithFormat(String name, Format format) {
        return namesFormats()
                ? Results.text(call(
                        "volname_with_format",
                        Params.writing().text("name", name).format("fmt", format)))
                : FormatNames.FILES.with(name, format);
    }

    @Override
    public String nameForFormat(String name, Format format, boolean isStrict) {
        return namesFormats()
                ? Results.text(call(
                        "volname_for_format",
                        Params.writing()
                                .text("name", name)
                                .format("fmt", format)
                                .flag("strict", isStrict)))
                : FormatNames.FILES.fitting(name, format, isStrict);
    }

    /** A plugin of an older level may have a method of such a name by accident. */
    private boolean namesFormats() {
        return dialect().has("volname_for_format");
    }

    // ---- where volumes are

    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        return Results.volumePath(call("path", about(storage).volume(volume).snapshot(snapshot)));
    }

    @Override
    public VolumePath filesystemPath(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        return Results.volumePath(call(
                "filesystem_path",
                Params.writing().config(storage).volume(volume).snapshot(snapshot)));
    }

    @Override
    public String getSubdir(Storage storage, ContentType type) {
        return Results.text(call("get_subdir", Params.writing().config(storage).contentType("vtype", type)));
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        return Results.images(call("list_images", about(storage).filter(filter).cache(cache)));
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        return Results.sizeInfo(
                call("volume_size_info", about(storage).volume(volume).seconds("timeout", timeout)));
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return Results.status(call("status", about(storage).cache(cache)));
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        call("activate_storage", about(storage).cache(cache));
    }

    @Override
    public void deactivateStorage(Storage storage, OperationCache cache) {
        call("deactivate_storage", about(storage).cache(cache));
    }

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        call(
                "activate_volume",
                about(storage).volume(volume).snapshot(snapshot).cache(cache).hints(hints));
    }

    @Override
    public void deactivateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {
        call(
                "deactivate_volume",
                about(storage).volume(volume).snapshot(snapshot).cache(cache));
    }

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix) {
        return Results.text(call(
                "find_free_diskname",
                about(storage).vmid(owner).format("fmt", format).flag("add_fmt_suffix", addSuffix)));
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        if (name != null) {
            var _ = new VolumeName(name); // plugins take it for a file's name as it is
        }
        return new VolumeName(Results.text(call(
                "alloc_image",
                about(storage)
                        .vmid(owner)
                        .format("fmt", format)
                        .text("name", name)
                        .kib("size", size))));
    }

    @Override
    public Optional<Cleanup> freeImage(Storage storage, VolumeName volume, boolean isBase, @Nullable Format format) {
        Value token = call(
                "free_image",
                about(storage).volume(volume).flag("isBase", isBase).format("format", format));
        return Results.optionalText(token).map(text -> () -> claim(text));
    }

    // ---- configuration

    @Override
    public Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
        return Results.section(answer(
                        "check_config",
                        Params.writing()
                                .storageId(storage)
                                .section("config", properties)
                                .flag("create", isNew)
                                .flag("skipSchemaCheck", true))
                .result());
    }

    @Override
    public HookResult onAdd(Storage storage, Secrets secrets) {
        return hook(
                "on_add_hook",
                about(storage).secrets(secrets),
                "scfg",
                storage.config().properties());
    }

    @Override
    public HookResult onUpdate(Storage storage, ConfigChange change) {
        Params params = about(storage).section("update", change.set()).secrets(change.secrets());
        if (dialect().level() >= UPDATE_WITH_SECTION && dialect().overrides("on_update_hook_full")) {
            if (!change.deleted().isEmpty()) {
                params.words("delete", change.deleted());
            }
            return hook("on_update_hook_full", params, "update", change.set());
        }
        return hook(
                "on_update_hook",
                Params.writing()
                        .storageId(storage.id())
                        .section("update", change.set())
                        .secrets(change.secrets()),
                "update",
                change.set());
    }

    private HookResult hook(String method, Params params, String written, Map<String, Object> before) {
        Method.Answer answer = answer(method, params);
        Map<String, Object> after = answer.changed().get(written) instanceof Fields section
                ? new LinkedHashMap<>(Results.section(section))
                : new LinkedHashMap<>(before);
        if (!before.containsKey("type")) {
            after.remove("type");
        }
        return new HookResult(after, Results.section(answer.result()));
    }

    /** An answer with what the plugin changed in place. */
    private Method.Answer answer(String method, Params params) {
        return StorageApi.API.method(method).unwrap(call(method, params));
    }

    @Override
    public void onDelete(Storage storage) {
        call("on_delete_hook", about(storage));
    }

    // ---- the storage

    @Override
    public void lockStorage(StorageId storage, boolean isShared, @Nullable Duration timeout, Runnable work) {
        if (!dialect().overrides("cluster_lock_storage")) {
            throw unsupported("the plugin has no lock of its own for storage '" + storage + "'");
        }
        try (Functions.Handle handle = functions.hand(args -> {
            work.run();
            return Value.Nil.NIL;
        })) {
            call(
                    "cluster_lock_storage",
                    Params.writing()
                            .storageId(storage)
                            .flag("shared", isShared)
                            .seconds("timeout", timeout)
                            .number("func", handle.id()));
        }
    }

    @Override
    public boolean checkConnection(Storage storage) {
        return Results.truth(call("check_connection", about(storage)));
    }

    @Override
    public Formats formats(Storage storage) {
        return Results.formats(call("get_formats", about(storage)));
    }

    @Override
    public boolean canReplicate(Storage storage, Format format) {
        return Results.truth(call("storage_can_replicate", about(storage).format("format", format)));
    }

    @Override
    public String identity(Storage storage) {
        if (!dialect().has("get_identity")) {
            throw tooOld("get_identity", "tells no identity");
        }
        return Results.text(call("get_identity", about(storage)));
    }

    // ---- images

    @Override
    public List<ListedVolume> listVolumes(Storage storage, @Nullable Vmid owner, Set<ContentType> content) {
        return Results.volumes(call(
                "list_volumes",
                about(storage)
                        .optionalVmid("vmid", owner)
                        .words(
                                "content_types",
                                content.stream().map(ContentType::word).toList())));
    }

    @Override
    public VolumeName createBase(Storage storage, VolumeName volume) {
        return new VolumeName(Results.text(call("create_base", about(storage).volume(volume))));
    }

    @Override
    public VolumeName cloneImage(Storage storage, VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        return new VolumeName(Results.text(
                call("clone_image", about(storage).volume(volume).vmid(owner).text("snap", text(snapshot)))));
    }

    @Override
    public VolumeId renameVolume(Storage storage, VolumeName volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        if (!dialect().has("rename_volume")) {
            throw tooOld("rename_volume", "cannot rename volume '" + volume + "'");
        }
        Value renamed = call(
                "rename_volume",
                about(storage)
                        .text("source_volname", volume.value())
                        .optionalVmid("target_vmid", owner)
                        .text("target_volname", name == null ? null : name.value()));
        // A plugin that returns nothing used the name it was given.
        return Results.optionalText(renamed)
                .map(VolumeId::parse)
                .or(() -> Optional.ofNullable(name).map(wanted -> new VolumeId(storage.id(), wanted)))
                .orElseThrow(() -> new StorageException(
                        StorageError.BAD_RESULT,
                        Outcome.UNKNOWN,
                        "rename_volume: the plugin did not tell the new name of volume '" + volume + "'"));
    }

    @Override
    public void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        if (snapshot != null && dialect().level() < RESIZE_OF_SNAPSHOTS) {
            // Without the name the plugin would resize the volume itself.
            throw tooOld(
                    "volume_resize", "resizing a snapshot is not supported ('" + volume + "', '" + snapshot + "')");
        }
        call(
                "volume_resize",
                about(storage)
                        .volume(volume)
                        .bytes("size", size)
                        .flag("running", isRunning)
                        .snapshot(snapshot));
    }

    // ---- snapshots

    @Override
    public void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        call("volume_snapshot", about(storage).volume(volume).text("snap", snapshot.value()));
    }

    @Override
    public Rollback rollbackIsPossible(Storage storage, VolumeName volume, SnapshotName snapshot) {
        try {
            call(
                    "volume_rollback_is_possible",
                    about(storage).volume(volume).text("snap", snapshot.value()).words("blockers", List.of()));
            return new Rollback.Possible();
        } catch (RemoteStorageException e) {
            // Plugins refuse by dying; an error with fields is something else that went wrong.
            if (e.error() != StorageError.PLUGIN_DIED
                    || !(e.wireError().exception() instanceof Value.Nil)
                    || e.dieText().isEmpty()) {
                throw e;
            }
            List<SnapshotName> blockers = e.wireError().changed().get("blockers") instanceof Value.Seq names
                    ? Results.words(names).stream().map(SnapshotName::new).toList()
                    : List.of();
            return new Rollback.Blocked(e.dieText().get().strip(), blockers);
        }
    }

    @Override
    public void rollback(Storage storage, VolumeName volume, SnapshotName snapshot) {
        call("volume_snapshot_rollback", about(storage).volume(volume).text("snap", snapshot.value()));
    }

    @Override
    public void deleteSnapshot(Storage storage, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
        call(
                "volume_snapshot_delete",
                about(storage).volume(volume).text("snap", snapshot.value()).flag("running", isRunning));
    }

    @Override
    public Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        Params params = about(storage).volume(volume);
        if (dialect().has("volume_snapshot_info") || !dialect().overrides("volume_snapshot_list")) {
            return Results.snapshots(call("volume_snapshot_info", params));
        }
        // Until level 9 plugins told the names alone.
        Map<String, SnapshotInfo> snapshots = new TreeMap<>();
        Results.words(call("volume_snapshot_list", params))
                .forEach(name -> snapshots.put(name, new SnapshotInfo(null, null, null, Map.of())));
        return snapshots;
    }

    @Override
    public void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        if (!dialect().has("rename_snapshot") && storage.config().text("path").isEmpty()) {
            throw tooOld("rename_snapshot", "cannot rename snapshot '" + from + "' of volume '" + volume + "'");
        }
        call(
                "rename_snapshot",
                about(storage).volume(volume).text("source_snap", from.value()).text("target_snap", to.value()));
    }

    @Override
    public boolean snapshotNeedsFreeze() {
        return Results.truth(call("volume_snapshot_needs_fsfreeze", Params.writing()));
    }

    @Override
    public SnapshotMethod snapshotMethod(Storage storage, VolumeName volume) {
        return Results.optionalText(
                        call("volume_qemu_snapshot_method", about(storage).volume(volume)))
                .flatMap(SnapshotMethod::ofWord)
                .orElse(SnapshotMethod.STORAGE);
    }

    // ---- volumes

    @Override
    public boolean hasFeature(
            Storage storage,
            Feature feature,
            VolumeName volume,
            @Nullable SnapshotName snapshot,
            boolean isRunning,
            @Nullable Set<Format> targetFormats) {
        if (feature == Feature.RENAME && !dialect().has("rename_volume")) {
            return false;
        }
        Map<String, Object> options = targetFormats == null
                ? Map.of()
                : Map.of(
                        "valid_target_formats",
                        targetFormats.stream().map(Format::word).sorted().toList());
        return Results.truth(call(
                "volume_has_feature",
                about(storage)
                        .text("feature", feature.word())
                        .volume(volume)
                        .snapshot(snapshot)
                        .flag("running", isRunning)
                        .tree("opts", options)));
    }

    @Override
    public Optional<String> mapVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, Hints hints) {
        return Results.optionalText(call(
                "map_volume", about(storage).volume(volume).snapshot(snapshot).hints(hints)));
    }

    @Override
    public void unmapVolume(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        call("unmap_volume", about(storage).volume(volume).snapshot(snapshot));
    }

    @Override
    public Optional<String> attribute(Storage storage, VolumeName volume, VolumeAttribute attribute) {
        Params params = about(storage).volume(volume);
        if (dialect().has("get_volume_attribute") || attribute != VolumeAttribute.NOTES) {
            return dialect().has("get_volume_attribute")
                    ? Results.optionalText(call("get_volume_attribute", params.text("attribute", attribute.word())))
                    : Optional.empty();
        }
        try {
            return Results.optionalText(call("get_volume_notes", params));
        } catch (RemoteStorageException e) {
            if (e.getMessage().contains(NO_NOTES)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    @Override
    public void updateAttribute(Storage storage, VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        Params params = about(storage).volume(volume);
        boolean hasOnlyNotes =
                !dialect().overrides("update_volume_attribute") && dialect().overrides("update_volume_notes");
        if (attribute == VolumeAttribute.NOTES && hasOnlyNotes) {
            // The base class's way to them dies after it succeeded.
            call("update_volume_notes", params.text("notes", value == null ? "" : value));
            return;
        }
        if (!dialect().has("update_volume_attribute")) {
            throw tooOld("update_volume_attribute", "attribute '" + attribute.word() + "' is not supported");
        }
        call(
                "update_volume_attribute",
                params.text("attribute", attribute.word()).text("value", value));
    }

    @Override
    public Pruned pruneBackups(
            Storage storage, Retention retention, BackupSelection selection, boolean isDryRun, TaskLog log) {
        try (Functions.Handle handle = functions.hand(args -> {
            log.log(
                    level(args),
                    args.size() < 2 ? "" : Results.optionalText(args.get(1)).orElse(""));
            return Value.Nil.NIL;
        })) {
            Method.Answer answer = answer(
                    "prune_backups",
                    about(storage)
                            .retention(retention)
                            .optionalVmid("vmid", selection.owner())
                            .text("type", selection.type())
                            .flag("dryrun", isDryRun)
                            .number("logfunc", handle.id()));
            Retention applied =
                    answer.changed().get("keep") instanceof Fields keep ? Results.retention(keep) : retention;
            return new Pruned(Results.marks(answer.result()), applied);
        }
    }

    private static TaskLog.Level level(List<Value> args) {
        String word =
                args.isEmpty() ? "" : Results.optionalText(args.getFirst()).orElse("");
        return switch (word) {
            case "warn" -> TaskLog.Level.WARN;
            case "err" -> TaskLog.Level.ERR;
            default -> TaskLog.Level.INFO;
        };
    }

    @Override
    public Map<String, Object> blockdevOptions(Storage storage, VolumeName volume, BlockdevQuery query) {
        Map<String, Object> options = new LinkedHashMap<>();
        SnapshotName snapshot = query.snapshot();
        if (snapshot != null) {
            options.put("snapshot-name", snapshot.value());
        }
        if (!query.hints().values().isEmpty()) {
            options.put("hints", query.hints().values());
        }
        return Results.json(call(
                "qemu_blockdev_options",
                about(storage)
                        .volume(volume)
                        .text("machine_version", query.machineVersion())
                        .tree("options", options)));
    }

    @Override
    public Map<String, Object> importMetadata(Storage storage, VolumeName volume) {
        return Results.json(call("get_import_metadata", about(storage).volume(volume)));
    }

    // ---- transfers

    @Override
    public List<String> exportFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return Results.words(
                call("volume_export_formats", about(storage).volume(volume).transfer(transfer)));
    }

    @Override
    public List<String> importFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return Results.words(
                call("volume_import_formats", about(storage).volume(volume).transfer(transfer)));
    }

    @Override
    public void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        Params params = about(storage).volume(volume).text("format", format).transfer(transfer);
        stream.handOver(number -> offering(number, token -> call("volume_export", params.text("fh", token))));
    }

    /** A plugin that tells no name has taken the wanted one. */
    @Override
    public VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        return importVolume(storage, volume, format, transfer, allowRename, false, stream);
    }

    /**
     * The same, of which the plugin's process is told whether nothing had the name before.
     *
     * @param wasFree whether that process frees what has the name then, if it outlives this one
     */
    protected final VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            boolean wasFree,
            ImportStream stream) {
        Params params = about(storage)
                .volume(volume)
                .text("format", format)
                .transfer(transfer)
                .flag("allow_rename", allowRename)
                .flag("was_free", wasFree);
        Value made = stream.handOver(
                format, number -> offering(number, token -> call("volume_import", params.text("fh", token))));
        return Results.optionalText(made).map(VolumeId::parse).orElseGet(() -> new VolumeId(storage.id(), volume));
    }

    private static @Nullable String text(@Nullable SnapshotName snapshot) {
        return snapshot == null ? null : snapshot.value();
    }

    private StorageException tooOld(String method, String what) {
        return unsupported(
                method + ": the plugin is of API version " + dialect().level() + ": " + what);
    }

    private static StorageException unsupported(String what) {
        return StorageException.refused(StorageError.NOT_SUPPORTED, what);
    }
}
