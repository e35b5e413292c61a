package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Claims;
import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.codec.Incoming;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.codec.Part;
import dev.tenon.bridge.codec.Trees;
import dev.tenon.bridge.codec.TypeOf;
import dev.tenon.bridge.codec.Types;
import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Feature;
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
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.proto.Type.Kind;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** How the values cross that storage plugins are called with. */
final class StorageTypes {
    private static final Codec<Hints> HINTS = Codec.COUNTS.as(Hints::values, StorageTypes::hints);
    private static final Codec<List<String>> WORDS = Codec.TEXT.list();

    /** Whole snapshots are sent or none; older hosts name them. */
    private static final Codec<Boolean> WITH_SNAPSHOTS = Codec.of(
            Bool::new,
            value -> value instanceof Seq(List<Value> names) ? !names.isEmpty() : value.equals(new Bool(true)));

    static final Codec<Secrets> SECRETS = Codec.of(
            secrets -> {
                Map<String, Value> entries = new LinkedHashMap<>();
                secrets.changes()
                        .forEach((name, value) ->
                                entries.put(name, value.map(Codec.TEXT::write).orElse(Nil.NIL)));
                return new Fields(entries);
            },
            value -> {
                Map<String, Optional<String>> changes = new LinkedHashMap<>();
                Codec.fields(value)
                        .entries()
                        .forEach((name, text) -> changes.put(
                                name, text instanceof Nil ? Optional.empty() : Optional.of(Codec.TEXT.read(text))));
                return new Secrets(changes);
            });

    private StorageTypes() {}

    static Types arguments() {
        return Types.plain()
                .with(boolean.class, WITH_SNAPSHOTS, Kind.SNAPSHOTS)
                .with(StorageId.class, Codec.TEXT.as(StorageId::value, StorageId::new), Kind.STOREID)
                .with(VolumeName.class, Codec.TEXT.as(VolumeName::value, VolumeName::new), Kind.VOLNAME)
                .with(VolumeId.class, Codec.TEXT.as(VolumeId::toString, VolumeId::parse), Kind.VOLID)
                .with(SnapshotName.class, Codec.TEXT.as(SnapshotName::value, SnapshotName::new), Kind.SNAPNAME)
                .with(Vmid.class, Codec.INTEGER.as(Vmid::value, Vmid::new), Kind.VMID)
                .with(Format.class, Codec.TEXT.as(Format::word, Format::ofWord), Kind.FORMAT)
                .with(ByteSize.class, Codec.INTEGER.as(ByteSize::bytes, ByteSize::ofBytes), Kind.UINT)
                .with(ByteSize.class, Codec.INTEGER.as(ByteSize::kibRoundedUp, ByteSize::ofKib), Kind.KIB)
                .with(Duration.class, Codec.INTEGER.as(Duration::toSeconds, Duration::ofSeconds), Kind.SECONDS)
                .with(ContentType.class, word("vtype", ContentType::word, ContentType::ofWord), Kind.CONTENTTYPE)
                .with(Feature.class, word("feature", Feature::word, Feature::ofWord), Kind.STR)
                .with(
                        VolumeAttribute.class,
                        word("attribute", VolumeAttribute::word, VolumeAttribute::ofWord),
                        Kind.STR)
                .withList(
                        new TypeOf<Set<ContentType>>() {},
                        known(ContentType::word, ContentType::ofWord),
                        Kind.CONTENTTYPE)
                .with(Secrets.class, SECRETS, Kind.SECRETS)
                .with(Retention.class, Codec.COUNTS.as(Retention::keep, Retention::new), Kind.COUNTS)
                .with(Storage.class, StorageTypes::storage)
                .with(OperationCache.class, claims -> cache(claims.take(Kind.CACHE)))
                .with(Hints.class, claims -> hints(claims.take(Kind.HINTS)))
                .with(ImageFilter.class, StorageTypes::filter)
                .with(new TypeOf<Set<Format>>() {}, claims -> new Targets(claims.take(Kind.TREE)))
                .with(ConfigChange.class, StorageTypes::change)
                .with(BlockdevQuery.class, StorageTypes::query);
    }

    /** A word that may be one of tomorrow's. */
    private static <T> Codec<T> word(String what, Function<T, String> word, Function<String, Optional<T>> ofWord) {
        return Codec.TEXT.as(
                word,
                text -> ofWord.apply(text)
                        .orElseThrow(() -> StorageException.refused(
                                StorageError.BAD_PARAMETER, "unknown " + what + " '" + text + "'")));
    }

    /** A set of words; those of tomorrow are left out. */
    private static <T> Codec<Set<T>> known(Function<T, String> word, Function<String, Optional<T>> ofWord) {
        return WORDS.as(set -> set.stream().map(word).toList(), words -> {
            Set<T> set = new LinkedHashSet<>();
            words.forEach(text -> ofWord.apply(text).ifPresent(set::add));
            return set;
        });
    }

    /** A configuration and its id; methods that PVE gives no id (its {@code filesystem_path}) are of an unnamed one. */
    private static Part storage(Claims claims) {
        Optional<String> id = claims.takeIfAny(Kind.STOREID);
        String section = claims.take(Kind.SECTION);
        return Part.of(
                Storage.class,
                (storage, entries) -> {
                    id.ifPresent(name ->
                            entries.put(name, Codec.TEXT.write(storage.id().value())));
                    entries.put(section, Codec.TREE.write(withType(storage.config())));
                },
                fields -> {
                    String name = id.isEmpty() || fields.get(id.get()) instanceof Nil
                            ? "unnamed"
                            : Codec.TEXT.read(fields.get(id.get()));
                    return new Storage(new StorageId(name), config(Codec.TREE.read(fields.get(section))));
                });
    }

    static Map<String, Object> withType(StorageConfig config) {
        Map<String, Object> section = new LinkedHashMap<>(config.properties());
        section.put("type", config.type());
        return section;
    }

    private static StorageConfig config(Map<String, Object> section) {
        return new StorageConfig(section.getOrDefault("type", "unknown").toString(), section);
    }

    private static Part cache(String name) {
        return optional(
                OperationCache.class,
                name,
                Codec.TEXT.as(OperationCache::id, OperationCache::of),
                OperationCache::create);
    }

    private static Part hints(String name) {
        return Part.of(
                Hints.class,
                (hints, entries) -> {
                    if (!hints.values().isEmpty()) {
                        entries.put(name, HINTS.write(hints));
                    }
                },
                fields -> fields.get(name) instanceof Nil ? Hints.NONE : HINTS.read(fields.get(name)));
    }

    private static <T> Part optional(Class<T> type, String name, Codec<T> codec, Supplier<T> absent) {
        return Part.of(
                type,
                (plain, entries) -> entries.put(name, codec.write(plain)),
                fields -> fields.get(name) instanceof Nil ? absent.get() : codec.read(fields.get(name)));
    }

    private static Hints hints(Map<String, Long> values) {
        values.forEach((name, value) -> {
            if (Hints.KNOWN.contains(name) && value != 0 && value != 1) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER, "hints are not valid: '" + name + "' must be 0 or 1, got " + value);
            }
        });
        return new Hints(values);
    }

    private static Part filter(Claims claims) {
        String owner = claims.take(Kind.VMID);
        String named = claims.take(Kind.VOLID);
        return Part.of(
                ImageFilter.class,
                (filter, entries) -> {
                    switch (filter) {
                        case ImageFilter.All() -> {}
                        case ImageFilter.OfGuest(Vmid vmid) -> entries.put(owner, new Int(vmid.value()));
                        case ImageFilter.Named(List<VolumeId> volumes) ->
                            entries.put(
                                    named,
                                    WORDS.write(volumes.stream()
                                            .map(VolumeId::toString)
                                            .toList()));
                    }
                },
                fields -> {
                    if (fields.get(named) instanceof Seq volumes) {
                        return new ImageFilter.Named(WORDS.read(volumes).stream()
                                .map(VolumeId::parse)
                                .toList());
                    }
                    return fields.get(owner) instanceof Int(long vmid)
                            ? new ImageFilter.OfGuest(new Vmid(vmid))
                            : ImageFilter.all();
                });
    }

    private static Part change(Claims claims) {
        String update = claims.take(Kind.SECTION);
        String delete = claims.take(Kind.STR);
        String secrets = claims.take(Kind.SECRETS);
        return Part.of(
                ConfigChange.class,
                (change, entries) -> {
                    entries.put(update, Codec.TREE.write(change.set()));
                    if (!change.deleted().isEmpty()) {
                        entries.put(delete, WORDS.write(change.deleted()));
                    }
                    entries.put(secrets, SECRETS.write(change.secrets()));
                },
                fields -> new ConfigChange(
                        Codec.TREE.read(fields.get(update)),
                        fields.get(delete) instanceof Nil ? List.of() : WORDS.read(fields.get(delete)),
                        SECRETS.read(fields.get(secrets))));
    }

    private static Part query(Claims claims) {
        String version = claims.take(Kind.STR);
        String tree = claims.take(Kind.TREE);
        return Part.of(
                BlockdevQuery.class,
                (query, entries) -> {
                    String machine = query.machineVersion();
                    if (machine != null) {
                        entries.put(version, Codec.TEXT.write(machine));
                    }
                    Map<String, Object> options = new LinkedHashMap<>();
                    SnapshotName snapshot = query.snapshot();
                    if (snapshot != null) {
                        options.put("snapshot-name", snapshot.value());
                    }
                    if (!query.hints().values().isEmpty()) {
                        options.put("hints", query.hints().values());
                    }
                    entries.put(tree, Trees.toValue(options));
                },
                fields -> {
                    Map<String, Object> options = Codec.TREE.read(fields.get(tree));
                    Map<String, Long> hints = new LinkedHashMap<>();
                    Trees.map(options.get("hints"))
                            .forEach((name, value) ->
                                    hints.put(name, value.toString().matches("0|") ? 0L : 1L));
                    return new BlockdevQuery(
                            fields.get(version) instanceof Nil ? null : Codec.TEXT.read(fields.get(version)),
                            options.get("snapshot-name") instanceof String name ? new SnapshotName(name) : null,
                            new Hints(hints));
                });
    }

    /** The formats that a clone may have, among options that may have others; null for any. */
    private record Targets(String name) implements Part {
        private static final String KEY = "valid_target_formats";

        @Override
        public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {
            Map<String, Object> options = new LinkedHashMap<>();
            if (plain instanceof Set<?> targets) {
                options.put(
                        KEY,
                        targets.stream()
                                .map(target -> ((Format) target).word())
                                .sorted()
                                .toList());
            }
            entries.put(name, Trees.toValue(options));
        }

        @Override
        public @Nullable Object read(Fields fields, Incoming call) {
            if (!(Codec.TREE.read(fields.get(name)).get(KEY) instanceof List<?> words)) {
                return null;
            }
            Set<Format> formats = new LinkedHashSet<>();
            words.forEach(word -> formats.add(Format.ofWord(String.valueOf(word))));
            return formats;
        }
    }
}
