package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.codec.RemoteStorageException;
import dev.tenon.bridge.codec.TypedMethod;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.directory.InheritedBase;
import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Nil;
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

    /** The rows by which older plugins do what a method does. */
    private static final Map<String, Set<String>> ELDER = Map.of(
            "onUpdate", Set.of("on_update_hook"),
            "snapshots", Set.of("volume_snapshot_list"),
            "attribute", Set.of("get_volume_notes"),
            "updateAttribute", Set.of("update_volume_notes"));

    /** With these words base classes say that a storage cannot note anything; PVE looks for them too. */
    private static final String NO_NOTES = "volume notes are not supported";

    /** How a method is called that not every plugin has, or not every one in the same way. */
    @FunctionalInterface
    private interface Way {
        @Nullable
        Object make(CallingPlugin plugin, Call<?> call);
    }

    private static final Map<String, Way> WAYS = Map.ofEntries(
            Map.entry("checkConfig", CallingPlugin::checkConfig),
            Map.entry("onUpdate", CallingPlugin::onUpdate),
            Map.entry("lockStorage", CallingPlugin::lockStorage),
            Map.entry("identity", (plugin, call) -> {
                plugin.require("get_identity", "has no identity");
                return plugin.cross(call);
            }),
            Map.entry("allocImage", (plugin, call) -> {
                call.argument(String.class).ifPresent(VolumeName::new); // plugins take it for a file's name as it is
                return plugin.cross(call);
            }),
            Map.entry("renameVolume", CallingPlugin::renameVolume),
            Map.entry("resizeVolume", CallingPlugin::resizeVolume),
            Map.entry("snapshots", CallingPlugin::snapshots),
            Map.entry("renameSnapshot", CallingPlugin::renameSnapshot),
            Map.entry("hasFeature", (plugin, call) -> {
                boolean isRename = call.arguments().contains(Feature.RENAME);
                return isRename && !plugin.dialect().has("rename_volume") ? (Object) false : plugin.cross(call);
            }),
            Map.entry("attribute", CallingPlugin::attribute),
            Map.entry("updateAttribute", CallingPlugin::updateAttribute),
            Map.entry("exportVolume", CallingPlugin::exportVolume),
            Map.entry("importVolume", CallingPlugin::importVolume));

    static {
        WAYS.keySet().forEach(StorageApi.TYPED::method);
    }

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
    @SuppressWarnings({"unchecked", "NullAway"}) // a way answers as the method that the call is of
    protected final <T extends @Nullable Object> T make(Call<T> call) {
        Method row = rowOf(call.operation());
        if (row.isDeclared() && !dialect().has(row.name())) {
            // What PVE's base class says for a plugin that is older than the method.
            return call.on(new InheritedBase(this));
        }
        return (T) WAYS.getOrDefault(call.operation(), CallingPlugin::cross).make(this, call);
    }

    /** Makes the call as the plugin's level has it. */
    @SuppressWarnings({"unchecked", "NullAway"}) // the row is bound to the method that the call is of
    protected <T extends @Nullable Object> T cross(Call<T> call) {
        return (T) cross(call, rowOf(call.operation()).name());
    }

    /**
     * Whether the plugin that is called has a method of its own for this one of the interface, and does not inherit it.
     */
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
    private @Nullable Object cross(Call<?> call, String row) {
        TypedMethod method = StorageApi.TYPED.method(call.operation());
        try (Outgoing outgoing = new Outgoing(functions, this::claim)) {
            Value answer = ask(call, row, params -> {}, outgoing);
            return method.answering().read(answer, call.arguments(), outgoing);
        } catch (RemoteStorageException e) {
            return method.answering().failed(e);
        }
    }

    /** Calls a row with the arguments of a method and with more; its answer as it came. */
    private Value ask(Call<?> call, String row, Consumer<Map<String, Value>> more) {
        try (Outgoing outgoing = new Outgoing(functions, this::claim)) {
            return ask(call, row, more, outgoing);
        }
    }

    /** An older row has parameters of the newer one; others it does not know. */
    private Value ask(Call<?> call, String row, Consumer<Map<String, Value>> more, Outgoing outgoing) {
        TypedMethod method = StorageApi.TYPED.method(call.operation());
        Map<String, Value> params = method.params(call.arguments(), outgoing);
        if (!method.row().name().equals(row)) {
            params.keySet()
                    .retainAll(StorageApi.API.method(row).params().stream()
                            .map(Method.Param::name)
                            .toList());
        }
        more.accept(params);
        return call(row, new Fields(params));
    }

    // ---- what older plugins do in another way, or not at all

    private Object checkConfig(Call<?> call) {
        Value answer = ask(call, "check_config", params -> params.put("skipSchemaCheck", new Bool(true)));
        return Codec.TREE.read(
                StorageApi.API.method("check_config").unwrap(answer).result());
    }

    private @Nullable Object onUpdate(Call<?> call) {
        boolean isFull = dialect().level() >= UPDATE_WITH_SECTION && dialect().overrides("on_update_hook_full");
        return isFull ? cross(call) : cross(call, "on_update_hook");
    }

    private @Nullable Object lockStorage(Call<?> call) {
        if (!dialect().overrides("cluster_lock_storage")) {
            throw unsupported("the plugin has no lock of its own for storage '" + call.storage() + "'");
        }
        return cross(call);
    }

    /** A plugin that returns nothing used the name it was given. */
    private Object renameVolume(Call<?> call) {
        VolumeName volume = call.argument(VolumeName.class).orElseThrow();
        require("rename_volume", "cannot rename volume '" + volume + "'");
        return volumeId(ask(call, "rename_volume", params -> {}))
                .or(() -> call.arguments().getLast() instanceof VolumeName wanted
                        ? Optional.of(new VolumeId(Objects.requireNonNull(call.storage()), wanted))
                        : Optional.empty())
                .orElseThrow(() -> new StorageException(
                        StorageError.BAD_RESULT,
                        Outcome.UNKNOWN,
                        "rename_volume: the plugin did not tell the new name of volume '" + volume + "'"));
    }

    private static Optional<VolumeId> volumeId(Value answer) {
        return answer instanceof Nil ? Optional.empty() : Optional.of(VolumeId.parse(Codec.TEXT.read(answer)));
    }

    private @Nullable Object resizeVolume(Call<?> call) {
        SnapshotName snapshot = call.argument(SnapshotName.class).orElse(null);
        if (snapshot != null && dialect().level() < RESIZE_OF_SNAPSHOTS) {
            // Without the name the plugin would resize the volume itself.
            VolumeName volume = call.argument(VolumeName.class).orElseThrow();
            throw tooOld(
                    "volume_resize", "resizing a snapshot is not supported ('" + volume + "', '" + snapshot + "')");
        }
        return cross(call);
    }

    private @Nullable Object snapshots(Call<?> call) {
        if (dialect().has("volume_snapshot_info") || !dialect().overrides("volume_snapshot_list")) {
            return cross(call);
        }
        // Until level 9 plugins told the names alone.
        Map<String, SnapshotInfo> snapshots = new TreeMap<>();
        Codec.TEXT
                .list()
                .read(ask(call, "volume_snapshot_list", params -> {}))
                .forEach(name -> snapshots.put(name, new SnapshotInfo(null, null, null, Map.of())));
        return snapshots;
    }

    /** PVE's base class renames snapshots of a storage that has a path. */
    private @Nullable Object renameSnapshot(Call<?> call) {
        if (call.argument(Storage.class).orElseThrow().config().text("path").isEmpty()) {
            require(
                    "rename_snapshot",
                    "cannot rename snapshot '"
                            + call.argument(SnapshotName.class).orElseThrow() + "' of volume '"
                            + call.argument(VolumeName.class).orElseThrow() + "'");
        }
        return cross(call);
    }

    private @Nullable Object attribute(Call<?> call) {
        if (dialect().has("get_volume_attribute")) {
            return cross(call);
        }
        if (!call.arguments().contains(VolumeAttribute.NOTES)) {
            return Optional.empty();
        }
        try {
            return cross(call, "get_volume_notes");
        } catch (RemoteStorageException e) {
            if (e.getMessage().contains(NO_NOTES)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private @Nullable Object updateAttribute(Call<?> call) {
        VolumeAttribute attribute = call.argument(VolumeAttribute.class).orElseThrow();
        boolean hasOnlyNotes =
                !dialect().overrides("update_volume_attribute") && dialect().overrides("update_volume_notes");
        if (attribute == VolumeAttribute.NOTES && hasOnlyNotes) {
            // The base class's way to them dies after it succeeded.
            String notes = call.arguments().getLast() instanceof String text ? text : "";
            ask(call, "update_volume_notes", params -> params.put("notes", Value.ofText(notes)));
            return null;
        }
        require("update_volume_attribute", "attribute '" + attribute.word() + "' is not supported");
        return cross(call);
    }

    private void require(String method, String what) {
        if (!dialect().has(method)) {
            throw tooOld(method, what);
        }
    }

    // ---- transfers

    /** Exports a volume. */
    protected @Nullable Object exportVolume(Call<?> call) {
        call.argument(ExportStream.class)
                .orElseThrow()
                .handOver(number -> offering(
                        number, token -> ask(call, "volume_export", params -> params.put("fh", Value.ofText(token)))));
        return null;
    }

    /** Imports a volume; its name. */
    protected VolumeId importVolume(Call<?> call) {
        return importVolume(call, false);
    }

    /**
     * The same. A plugin that tells no name has taken the wanted one.
     *
     * @param wasFree whether nothing had the name before, so that the plugin's process frees what has it then, if it
     *     outlives this one
     */
    protected final VolumeId importVolume(Call<?> call, boolean wasFree) {
        Function<String, Value> asking = token -> ask(call, "volume_import", params -> {
            params.put("fh", Value.ofText(token));
            params.put("was_free", new Bool(wasFree));
        });
        ImportStream stream = call.argument(ImportStream.class).orElseThrow();
        String format = call.argument(String.class).orElseThrow();
        return volumeId(stream.handOver(format, number -> offering(number, asking)))
                .orElseGet(() -> named(call));
    }

    private static VolumeId named(Call<?> call) {
        return new VolumeId(
                Objects.requireNonNull(call.storage()),
                call.argument(VolumeName.class).orElseThrow());
    }

    private StorageException tooOld(String method, String what) {
        return unsupported(
                method + ": the plugin is of API version " + dialect().level() + ": " + what);
    }

    private static StorageException unsupported(String what) {
        return StorageException.refused(StorageError.NOT_SUPPORTED, what);
    }
}
