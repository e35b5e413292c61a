package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Trees;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The named parameters of a call as typed values, read or written. Reading expects that the method table has checked
 * them; what the table cannot say (the grammar of names) the typed values check themselves.
 */
public final class Params {
    private final Map<String, Value> entries;

    private Params(Map<String, Value> entries) {
        this.entries = entries;
    }

    public static Params of(Fields fields) {
        return new Params(fields.entries());
    }

    public static Params writing() {
        return new Params(new LinkedHashMap<>());
    }

    public Fields toFields() {
        return new Fields(entries);
    }

    // ---- reading

    /** The storage that is meant; a call that names none (PVE's {@code filesystem_path}) gets an anonymous one. */
    public Storage storage() {
        String id = text("storeid");
        return new Storage(new StorageId(id == null ? "unnamed" : id), config());
    }

    private StorageConfig config() {
        Map<String, Object> properties = section("scfg");
        return new StorageConfig(properties.getOrDefault("type", "unknown").toString(), properties);
    }

    public StorageId storageId() {
        return new StorageId(required("storeid"));
    }

    /** A configuration under another name than usual, as plain Java. */
    public Map<String, Object> section(String name) {
        Map<String, Object> section = new LinkedHashMap<>();
        if (entries.get(name) instanceof Fields(Map<String, Value> given)) {
            given.forEach((key, value) -> {
                Object plain = Trees.toJava(value);
                if (plain != null) {
                    section.put(key, plain);
                }
            });
        }
        return section;
    }

    public VolumeName volume() {
        return volume("volname");
    }

    public VolumeName volume(String name) {
        return new VolumeName(required(name));
    }

    public @Nullable SnapshotName snapshot() {
        return optionalSnapshot("snapname");
    }

    public @Nullable SnapshotName optionalSnapshot(String name) {
        String text = text(name);
        return text == null ? null : new SnapshotName(text);
    }

    public SnapshotName snapshot(String name) {
        return new SnapshotName(required(name));
    }

    public OperationCache cache() {
        String id = text("cache");
        return id == null ? OperationCache.create() : OperationCache.of(id);
    }

    public Hints hints() {
        if (!(entries.get("hints") instanceof Fields(Map<String, Value> given))) {
            return Hints.NONE;
        }
        Map<String, Long> hints = new LinkedHashMap<>();
        given.forEach((name, value) -> {
            if (value instanceof Int(long number)) {
                hints.put(name, number);
            }
        });
        hints.forEach((name, value) -> {
            if (Hints.KNOWN.contains(name) && value != 0 && value != 1) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER, "hints are not valid: '" + name + "' must be 0 or 1, got " + value);
            }
        });
        return new Hints(hints);
    }

    public Retention retention() {
        Map<String, Long> keep = new LinkedHashMap<>();
        if (entries.get("keep") instanceof Fields(Map<String, Value> given)) {
            given.forEach((name, value) -> {
                if (value instanceof Int(long number)) {
                    keep.put(name, number);
                }
            });
        }
        return new Retention(keep);
    }

    public Secrets secrets() {
        Map<String, Optional<String>> changes = new LinkedHashMap<>();
        if (entries.get("sensitive") instanceof Fields(Map<String, Value> given)) {
            given.forEach((name, value) ->
                    changes.put(name, value instanceof Text(String text) ? Optional.of(text) : Optional.empty()));
        }
        return new Secrets(changes);
    }

    public Transfer transfer() {
        Value with = entries.getOrDefault("with_snapshots", Value.Nil.NIL);
        return new Transfer(
                optionalSnapshot("snapshot"),
                optionalSnapshot("base_snapshot"),
                with instanceof Seq(List<Value> names) ? !names.isEmpty() : with.equals(new Bool(true)));
    }

    /** The elements of a list of text. */
    public List<String> words(String name) {
        List<String> words = new ArrayList<>();
        if (entries.get(name) instanceof Seq(List<Value> items)) {
            for (Value item : items) {
                if (item instanceof Text(String word)) {
                    words.add(word);
                }
            }
        }
        return words;
    }

    public boolean isGiven(String name) {
        return entries.containsKey(name) && !(entries.get(name) instanceof Value.Nil);
    }

    public ImageFilter filter() {
        if (entries.get("vollist") instanceof Seq(List<Value> items)) {
            List<VolumeId> volumes = new ArrayList<>();
            for (Value item : items) {
                if (item instanceof Text(String volid)) {
                    volumes.add(VolumeId.parse(volid));
                }
            }
            return new ImageFilter.Named(volumes);
        }
        return entries.get("vmid") instanceof Int(long vmid)
                ? new ImageFilter.OfGuest(new Vmid(vmid))
                : ImageFilter.all();
    }

    public Vmid vmid() {
        return new Vmid(integer("vmid"));
    }

    public @Nullable Vmid optionalVmid(String name) {
        return entries.get(name) instanceof Int(long vmid) ? new Vmid(vmid) : null;
    }

    public ByteSize bytes(String name) {
        return ByteSize.ofBytes(integer(name));
    }

    public long number(String name) {
        return integer(name);
    }

    public ByteSize kib(String name) {
        return ByteSize.ofKib(integer(name));
    }

    public @Nullable Format format(String name) {
        String word = text(name);
        return word == null ? null : Format.ofWord(word);
    }

    public ContentType contentType(String name) {
        String word = required(name);
        return ContentType.ofWord(word)
                .orElseThrow(
                        () -> StorageException.refused(StorageError.BAD_PARAMETER, "unknown vtype '" + word + "'"));
    }

    public boolean flag(String name) {
        return entries.get(name) instanceof Bool(boolean truth) && truth;
    }

    public @Nullable Duration seconds(String name) {
        return entries.get(name) instanceof Int(long seconds) ? Duration.ofSeconds(seconds) : null;
    }

    public @Nullable String text(String name) {
        return entries.get(name) instanceof Text(String text) ? text : null;
    }

    public String required(String name) {
        String text = text(name);
        if (text == null) {
            throw StorageException.refused(StorageError.BAD_PARAMETER, "the parameter '" + name + "' is missing");
        }
        return text;
    }

    private long integer(String name) {
        if (entries.get(name) instanceof Int(long number)) {
            return number;
        }
        throw StorageException.refused(StorageError.BAD_PARAMETER, "the parameter '" + name + "' is missing");
    }

    // ---- writing; what is null is left out, which is PVE's undef

    public Params storage(Storage storage) {
        entries.put("storeid", new Text(storage.id().value()));
        return config(storage);
    }

    /** The configuration without the id, for the methods that PVE gives none. */
    public Params config(Storage storage) {
        Map<String, Object> section = new LinkedHashMap<>(storage.config().properties());
        section.put("type", storage.config().type());
        entries.put("scfg", Trees.toValue(section));
        return this;
    }

    public Params storageId(StorageId storage) {
        entries.put("storeid", new Text(storage.value()));
        return this;
    }

    public Params section(String name, Map<String, Object> section) {
        entries.put(name, Trees.toValue(section));
        return this;
    }

    public Params volume(VolumeName volume) {
        return text("volname", volume.value());
    }

    public Params secrets(Secrets secrets) {
        Map<String, Value> values = new LinkedHashMap<>();
        secrets.changes()
                .forEach((name, value) ->
                        values.put(name, value.<Value>map(Text::new).orElse(Value.Nil.NIL)));
        entries.put("sensitive", new Fields(values));
        return this;
    }

    public Params retention(Retention retention) {
        Map<String, Value> values = new LinkedHashMap<>();
        retention.keep().forEach((name, value) -> values.put(name, new Int(value)));
        entries.put("keep", new Fields(values));
        return this;
    }

    public Params transfer(Transfer transfer) {
        SnapshotName snapshot = transfer.snapshot();
        SnapshotName base = transfer.base();
        text("snapshot", snapshot == null ? null : snapshot.value());
        text("base_snapshot", base == null ? null : base.value());
        return flag("with_snapshots", transfer.withSnapshots());
    }

    public Params words(String name, Collection<String> words) {
        entries.put(name, new Seq(words.stream().map(Value::ofText).toList()));
        return this;
    }

    public Params bytes(String name, ByteSize size) {
        entries.put(name, new Int(size.bytes()));
        return this;
    }

    public Params number(String name, long number) {
        entries.put(name, new Int(number));
        return this;
    }

    public Params tree(String name, @Nullable Object tree) {
        if (tree != null) {
            entries.put(name, Trees.toValue(tree));
        }
        return this;
    }

    public Params optionalVmid(String name, @Nullable Vmid vmid) {
        if (vmid != null) {
            entries.put(name, new Int(vmid.value()));
        }
        return this;
    }

    public Params snapshot(@Nullable SnapshotName snapshot) {
        return text("snapname", snapshot == null ? null : snapshot.value());
    }

    public Params cache(OperationCache cache) {
        entries.put("cache", new Text(cache.id()));
        return this;
    }

    public Params hints(Hints hints) {
        if (!hints.values().isEmpty()) {
            Map<String, Value> values = new LinkedHashMap<>();
            hints.values().forEach((name, value) -> values.put(name, new Int(value)));
            entries.put("hints", new Fields(values));
        }
        return this;
    }

    public Params filter(ImageFilter filter) {
        switch (filter) {
            case ImageFilter.All() -> {}
            case ImageFilter.OfGuest(Vmid owner) -> vmid(owner);
            case ImageFilter.Named(List<VolumeId> volumes) ->
                entries.put(
                        "vollist",
                        new Seq(volumes.stream()
                                .map(volume -> Value.ofText(volume.toString()))
                                .toList()));
        }
        return this;
    }

    public Params vmid(Vmid vmid) {
        entries.put("vmid", new Int(vmid.value()));
        return this;
    }

    public Params kib(String name, ByteSize size) {
        entries.put(name, new Int(size.kibRoundedUp()));
        return this;
    }

    public Params format(String name, @Nullable Format format) {
        return text(name, format == null ? null : format.word());
    }

    public Params contentType(String name, ContentType type) {
        return text(name, type.word());
    }

    public Params flag(String name, boolean truth) {
        entries.put(name, new Bool(truth));
        return this;
    }

    public Params seconds(String name, @Nullable Duration duration) {
        if (duration != null) {
            entries.put(name, new Int(duration.toSeconds()));
        }
        return this;
    }

    public Params text(String name, @Nullable String text) {
        if (text != null) {
            entries.put(name, new Text(text));
        }
        return this;
    }
}
