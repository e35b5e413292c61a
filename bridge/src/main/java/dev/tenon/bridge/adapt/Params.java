package dev.tenon.bridge.adapt;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
        Map<String, Object> properties = new LinkedHashMap<>();
        if (entries.get("scfg") instanceof Fields(Map<String, Value> section)) {
            section.forEach((key, value) -> {
                Object plain = Trees.toJava(value);
                if (plain != null) {
                    properties.put(key, plain);
                }
            });
        }
        return new StorageConfig(properties.getOrDefault("type", "unknown").toString(), properties);
    }

    public VolumeName volume() {
        return new VolumeName(required("volname"));
    }

    public @Nullable SnapshotName snapshot() {
        String name = text("snapname");
        return name == null ? null : new SnapshotName(name);
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
        return new Hints(hints);
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

    private String required(String name) {
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

    public Params volume(VolumeName volume) {
        entries.put("volname", new Text(volume.value()));
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
