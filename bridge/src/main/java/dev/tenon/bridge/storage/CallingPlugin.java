package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.codec.RemoteStorageException;
import dev.tenon.bridge.codec.TypedMethod;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.FormatNames;
import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A storage plugin that turns every typed call into a call by name and named parameters, and where the plugin that is
 * called is of an older level, into one that it understands.
 */
public abstract class CallingPlugin extends DelegatingPlugin {
    private static final int UPDATE_WITH_SECTION = 13;
    private static final int RESIZE_OF_SNAPSHOTS = 15;

    /** The rows that older plugins have in place of that of a method. */
    private static final Map<String, Set<String>> ELDER = Map.of(
            "onUpdate", Set.of("on_update_hook"),
            "snapshots", Set.of("volume_snapshot_list"),
            "attribute", Set.of("get_volume_notes"),
            "updateAttribute", Set.of("update_volume_notes"));

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

    @Override
    @SuppressWarnings({"unchecked", "NullAway"}) // the row is bound to the method that the call is of
    protected <T extends @Nullable Object> T make(Call<T> call) {
        TypedMethod method = StorageApi.TYPED.method(call.operation());
        return (T) make(method, method.row().name(), call.arguments(), params -> {});
    }

    /** Whether the plugin that is called has a method of its own for this one of the interface, and does not inherit it. */
    public final boolean hasOwn(String operation) {
        Method row = rowOf(operation);
        return row.answered() != null
                || dialect().overrides(row.name())
                || ELDER.getOrDefault(operation, Set.of()).stream().anyMatch(dialect()::overrides);
    }

    /** The row that a method of the interface is. */
    protected static Method rowOf(String operation) {
        return StorageApi.TYPED.method(operation).row();
    }

    /** Calls a row with the arguments of a method, and reads its answer as that method's. */
    private @Nullable Object make(
            TypedMethod method, String row, List<@Nullable Object> arguments, Consumer<Map<String, Value>> more) {
        try (Outgoing call = new Outgoing(functions, this::claim)) {
            Map<String, Value> params = method.params(arguments, call);
            more.accept(params);
            return method.answering().read(call(row, new Fields(params)), arguments, call);
        }
    }

    /** Calls a row with the arguments of a method; its answer as it came. */
    private Value ask(String operation, String row, Consumer<Map<String, Value>> more, @Nullable Object... arguments) {
        try (Outgoing call = new Outgoing(functions, this::claim)) {
            Map<String, Value> params = StorageApi.TYPED.method(operation).params(Arrays.asList(arguments), call);
            more.accept(params);
            return call(row, new Fields(params));
        }
    }

    // ---- how names of images tell their formats

    @Override
    public Map<Format, String> formatExtensions() {
        return namesFormats() ? super.formatExtensions() : FormatNames.FILES.extensions();
    }

    @Override
    public boolean isValidFormat(Format format) {
        return namesFormats() ? super.isValidFormat(format) : FormatNames.FILES.isValid(format);
    }

    @Override
    public Optional<String> formatExtension(Format format) {
        return namesFormats() ? super.formatExtension(format) : FormatNames.FILES.extension(format);
    }

    @Override
    public Optional<Format> parsedFormat(String name) {
        return namesFormats() ? super.parsedFormat(name) : FormatNames.FILES.parsed(name);
    }

    @Override
    public String nameWithFormat(String name, Format format) {
        return namesFormats() ? super.nameWithFormat(name, format) : FormatNames.FILES.with(name, format);
    }

    @Override
    public String nameForFormat(String name, Format format, boolean isStrict) {
        return namesFormats()
                ? super.nameForFormat(name, format, isStrict)
                : FormatNames.FILES.fitting(name, format, isStrict);
    }

    /** A plugin of an older level may have a method of such a name by accident. */
    private boolean namesFormats() {
        return dialect().has("volname_for_format");
    }

    // ---- configuration

    @Override
    public Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
        Value answer = ask(
                "checkConfig",
                "check_config",
                params -> params.put("skipSchemaCheck", new Bool(true)),
                storage,
                properties,
                isNew);
        return Codec.TREE.read(
                StorageApi.API.method("check_config").unwrap(answer).result());
    }

    @Override
    public HookResult onUpdate(Storage storage, ConfigChange change) {
        if (dialect().level() >= UPDATE_WITH_SECTION && dialect().overrides("on_update_hook_full")) {
            return super.onUpdate(storage, change);
        }
        TypedMethod method = StorageApi.TYPED.method("onUpdate");
        List<@Nullable Object> arguments = List.of(storage, change);
        Object result = make(method, "on_update_hook", arguments, params -> {
            params.remove("scfg");
            params.remove("delete");
        });
        return (HookResult) Objects.requireNonNull(result);
    }

    // ---- the storage

    @Override
    public void lockStorage(StorageId storage, boolean isShared, @Nullable Duration timeout, Runnable work) {
        if (!dialect().overrides("cluster_lock_storage")) {
            throw unsupported("the plugin has no lock of its own for storage '" + storage + "'");
        }
        super.lockStorage(storage, isShared, timeout, work);
    }

    @Override
    public String identity(Storage storage) {
        if (!dialect().has("get_identity")) {
            throw tooOld("get_identity", "tells no identity");
        }
        return super.identity(storage);
    }

    // ---- images

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        if (name != null) {
            var _ = new VolumeName(name); // plugins take it for a file's name as it is
        }
        return super.allocImage(storage, owner, format, name, size);
    }

    @Override
    public VolumeId renameVolume(Storage storage, VolumeName volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        if (!dialect().has("rename_volume")) {
            throw tooOld("rename_volume", "cannot rename volume '" + volume + "'");
        }
        // A plugin that returns nothing used the name it was given.
        return volumeId(ask("renameVolume", "rename_volume", params -> {}, storage, volume, owner, name))
                .or(() -> Optional.ofNullable(name).map(wanted -> new VolumeId(storage.id(), wanted)))
                .orElseThrow(() -> new StorageException(
                        StorageError.BAD_RESULT,
                        Outcome.UNKNOWN,
                        "rename_volume: the plugin did not tell the new name of volume '" + volume + "'"));
    }

    private static Optional<VolumeId> volumeId(Value answer) {
        return answer instanceof Nil ? Optional.empty() : Optional.of(VolumeId.parse(Codec.TEXT.read(answer)));
    }

    @Override
    public void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        if (snapshot != null && dialect().level() < RESIZE_OF_SNAPSHOTS) {
            // Without the name the plugin would resize the volume itself.
            throw tooOld(
                    "volume_resize", "resizing a snapshot is not supported ('" + volume + "', '" + snapshot + "')");
        }
        super.resizeVolume(storage, volume, size, isRunning, snapshot);
    }

    // ---- snapshots

    @Override
    public Rollback rollbackIsPossible(Storage storage, VolumeName volume, SnapshotName snapshot) {
        Method row = StorageApi.API.method("volume_rollback_is_possible");
        try {
            ask(
                    "rollbackIsPossible",
                    row.name(),
                    params -> params.put(row.changeable(), new Seq(List.of())),
                    storage,
                    volume,
                    snapshot);
            return new Rollback.Possible();
        } catch (RemoteStorageException e) {
            // Plugins refuse by dying; an error with fields is something else that went wrong.
            if (e.error() != StorageError.PLUGIN_DIED
                    || !(e.wireError().exception() instanceof Nil)
                    || e.dieText().isEmpty()) {
                throw e;
            }
            List<SnapshotName> blockers = e.wireError().changed().get(row.changeable()) instanceof Seq names
                    ? Codec.TEXT.list().read(names).stream()
                            .map(SnapshotName::new)
                            .toList()
                    : List.of();
            return new Rollback.Blocked(e.dieText().get().strip(), blockers);
        }
    }

    @Override
    public Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        if (dialect().has("volume_snapshot_info") || !dialect().overrides("volume_snapshot_list")) {
            return super.snapshots(storage, volume);
        }
        // Until level 9 plugins told the names alone.
        Map<String, SnapshotInfo> snapshots = new TreeMap<>();
        Codec.TEXT
                .list()
                .read(ask("snapshots", "volume_snapshot_list", params -> {}, storage, volume))
                .forEach(name -> snapshots.put(name, new SnapshotInfo(null, null, null, Map.of())));
        return snapshots;
    }

    @Override
    public void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        if (!dialect().has("rename_snapshot") && storage.config().text("path").isEmpty()) {
            throw tooOld("rename_snapshot", "cannot rename snapshot '" + from + "' of volume '" + volume + "'");
        }
        super.renameSnapshot(storage, volume, from, to);
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
        return super.hasFeature(storage, feature, volume, snapshot, isRunning, targetFormats);
    }

    @Override
    public Optional<String> attribute(Storage storage, VolumeName volume, VolumeAttribute attribute) {
        if (dialect().has("get_volume_attribute")) {
            return super.attribute(storage, volume, attribute);
        }
        if (attribute != VolumeAttribute.NOTES) {
            return Optional.empty();
        }
        try {
            Value notes = ask(
                    "attribute", "get_volume_notes", params -> params.remove("attribute"), storage, volume, attribute);
            return notes instanceof Nil ? Optional.empty() : Optional.of(Codec.TEXT.read(notes));
        } catch (RemoteStorageException e) {
            if (e.getMessage().contains(NO_NOTES)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    @Override
    public void updateAttribute(Storage storage, VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        boolean hasOnlyNotes =
                !dialect().overrides("update_volume_attribute") && dialect().overrides("update_volume_notes");
        if (attribute == VolumeAttribute.NOTES && hasOnlyNotes) {
            // The base class's way to them dies after it succeeded.
            ask(
                    "updateAttribute",
                    "update_volume_notes",
                    params -> {
                        params.remove("attribute");
                        params.remove("value");
                        params.put("notes", Value.ofText(value == null ? "" : value));
                    },
                    storage,
                    volume,
                    attribute,
                    value);
            return;
        }
        if (!dialect().has("update_volume_attribute")) {
            throw tooOld("update_volume_attribute", "attribute '" + attribute.word() + "' is not supported");
        }
        super.updateAttribute(storage, volume, attribute, value);
    }

    // ---- transfers

    @Override
    public void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        stream.handOver(number -> offering(
                number,
                token -> ask(
                        "exportVolume",
                        "volume_export",
                        params -> params.put("fh", Value.ofText(token)),
                        storage,
                        volume,
                        format,
                        transfer,
                        stream)));
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
        Function<String, Value> call = token -> ask(
                "importVolume",
                "volume_import",
                params -> {
                    params.put("fh", Value.ofText(token));
                    params.put("was_free", new Bool(wasFree));
                },
                storage,
                volume,
                format,
                transfer,
                allowRename,
                stream);
        Value made = stream.handOver(format, number -> offering(number, call));
        return volumeId(made).orElseGet(() -> new VolumeId(storage.id(), volume));
    }

    private StorageException tooOld(String method, String what) {
        return unsupported(
                method + ": the plugin is of API version " + dialect().level() + ": " + what);
    }

    private static StorageException unsupported(String what) {
        return StorageException.refused(StorageError.NOT_SUPPORTED, what);
    }
}
