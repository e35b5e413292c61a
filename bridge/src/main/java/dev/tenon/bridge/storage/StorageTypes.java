package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Claims;
import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.codec.Leaves;
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
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** How the parameters of storage plugins cross. */
final class StorageTypes {
    static final Codec<Retention> RETENTION = Codec.COUNTS.as(Retention::keep, Retention::new);

    static final Codec<SnapshotName> SNAPNAME = Codec.TEXT.as(SnapshotName::value, SnapshotName::new);
    static final Codec<Format> FORMAT = Codec.TEXT.as(Format::word, Format::ofWord);
    private static final Codec<VolumeId> VOLID = Codec.TEXT.as(VolumeId::toString, VolumeId::parse);

    private static final Codec<Hints> HINTS = Codec.of(
                    (Hints hints) -> hints.equals(Hints.NONE) ? Nil.NIL : Codec.COUNTS.write(hints.values()),
                    counts -> hints(Codec.COUNTS.read(counts)))
            .orElse(() -> Hints.NONE);

    private static final Codec<Options> OPTIONS = StorageAnswers.leaves()
            .tree(Options.class, "snapshot-name", "hints")
            .orElse(() -> new Options(null, Hints.NONE));

    private static final String TARGET_FORMATS = "valid_target_formats";

    /** The formats that a clone may have, among options that may have others. */
    private static final Codec<Set<Format>> TARGETS = Leaves.of(
            formats -> Map.of(
                    TARGET_FORMATS, formats.stream().map(Format::word).sorted().toList()),
            options -> Trees.map(options).get(TARGET_FORMATS) instanceof List<?> words
                    ? words.stream().map(word -> Format.ofWord(word.toString())).collect(Collectors.toSet())
                    : null);

    /** Whole snapshots are sent or none; older hosts name them. */
    private static final Codec<Boolean> WITH_SNAPSHOTS = Codec.<Boolean>of(
                    Bool::new,
                    value -> value instanceof Seq(List<Value> names) ? !names.isEmpty() : value.equals(new Bool(true)))
            .orElse(() -> false);

    static final Codec<Secrets> SECRETS = Codec.TEXT
            .optional()
            .mapped(Function.<String>identity(), Function.identity())
            .as(Secrets::changes, Secrets::new);

    private StorageTypes() {}

    static Types arguments() {
        return Types.plain()
                .with(boolean.class, WITH_SNAPSHOTS, Kind.SNAPSHOTS)
                .with(StorageId.class, Codec.TEXT.as(StorageId::value, StorageId::new), Kind.STOREID)
                .with(VolumeName.class, Codec.TEXT.as(VolumeName::value, VolumeName::new), Kind.VOLNAME)
                .with(VolumeId.class, VOLID, Kind.VOLID)
                .withList(new TypeOf<List<VolumeId>>() {}, VOLID.list(), Kind.VOLID)
                .with(SnapshotName.class, SNAPNAME, Kind.SNAPNAME)
                .with(Vmid.class, Codec.INTEGER.as(Vmid::value, Vmid::new), Kind.VMID)
                .with(Format.class, FORMAT, Kind.FORMAT)
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
                        Codec.words(ContentType::word, ContentType::ofWord),
                        Kind.CONTENTTYPE)
                .with(Secrets.class, SECRETS, Kind.SECRETS)
                .with(Retention.class, RETENTION, Kind.COUNTS)
                .with(
                        OperationCache.class,
                        Codec.TEXT.as(OperationCache::id, OperationCache::of).orElse(OperationCache::create),
                        Kind.CACHE)
                .with(Hints.class, HINTS, Kind.HINTS)
                .with(Storage.class, StorageTypes::storage)
                .with(new TypeOf<Set<Format>>() {}, TARGETS, Kind.TREE)
                .with(Options.class, OPTIONS, Kind.TREE)
                .as(BlockdevQuery.class, Query.class, Query::of, Query::query)
                .as(ImageFilter.class, Wanted.class, Wanted::of, Wanted::filter)
                .as(ConfigChange.class, Changed.class, Changed::of, Changed::change);
    }

    /** A word that a later release may have added. */
    private static <T> Codec<T> word(String what, Function<T, String> word, Function<String, Optional<T>> ofWord) {
        return Codec.word(
                word,
                ofWord,
                text -> StorageException.refused(StorageError.BAD_PARAMETER, "unknown " + what + " '" + text + "'"));
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
                    Map<String, Object> typed =
                            new LinkedHashMap<>(storage.config().properties());
                    typed.put("type", storage.config().type());
                    entries.put(section, Codec.TREE.write(typed));
                },
                fields -> {
                    String name = id.isEmpty() || fields.get(id.get()) instanceof Nil
                            ? "unnamed"
                            : Codec.TEXT.read(fields.get(id.get()));
                    Map<String, Object> properties = Codec.TREE.read(fields.get(section));
                    String type = properties.getOrDefault("type", "unknown").toString();
                    return new Storage(new StorageId(name), new StorageConfig(type, properties));
                });
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

    // ---- several parameters that are one value in Java

    /** Which images to list. */
    private record Wanted(@Nullable Vmid owner, @Nullable List<VolumeId> volumes) {
        static Wanted of(ImageFilter filter) {
            return switch (filter) {
                case ImageFilter.All() -> new Wanted(null, null);
                case ImageFilter.OfGuest(Vmid vmid) -> new Wanted(vmid, null);
                case ImageFilter.Named(List<VolumeId> named) -> new Wanted(null, named);
            };
        }

        ImageFilter filter() {
            if (volumes != null) {
                return new ImageFilter.Named(volumes);
            }
            return owner == null ? ImageFilter.all() : new ImageFilter.OfGuest(owner);
        }
    }

    private record Changed(
            Map<String, Object> set, @Nullable List<String> deleted, Secrets secrets) {
        static Changed of(ConfigChange change) {
            return new Changed(change.set(), change.deleted().isEmpty() ? null : change.deleted(), change.secrets());
        }

        ConfigChange change() {
            return new ConfigChange(set, deleted == null ? List.of() : deleted, secrets);
        }
    }

    private record Query(@Nullable String machineVersion, Options options) {
        static Query of(BlockdevQuery query) {
            return new Query(query.machineVersion(), new Options(query.snapshot(), query.hints()));
        }

        BlockdevQuery query() {
            return new BlockdevQuery(machineVersion, options.snapshot, options.hints);
        }
    }

    private record Options(@Nullable SnapshotName snapshot, Hints hints) {}
}
