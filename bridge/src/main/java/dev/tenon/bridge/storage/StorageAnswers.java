package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Answering;
import dev.tenon.bridge.codec.Changing;
import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.codec.Incoming;
import dev.tenon.bridge.codec.Leaves;
import dev.tenon.bridge.codec.LeftWork;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.codec.RemoteStorageException;
import dev.tenon.bridge.codec.Trees;
import dev.tenon.bridge.codec.TypeOf;
import dev.tenon.bridge.codec.Types;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.proto.Method;
import dev.tenon.proto.Type.Kind;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** How the answers of storage plugins cross. */
final class StorageAnswers {
    private static final String TYPE = "type";

    private static final Codec<SnapshotMethod> SNAPSHOT_METHOD = Codec.TEXT
            .as(SnapshotMethod::word, word -> SnapshotMethod.ofWord(word).orElse(SnapshotMethod.STORAGE))
            .orElse(() -> SnapshotMethod.STORAGE);

    private StorageAnswers() {}

    static Types addedTo(Types types) {
        Types leaves = leaves();
        return types.with(SnapshotMethod.class, SNAPSHOT_METHOD, Kind.STR)
                .with(
                        PluginData.class,
                        leaves.tree(
                                        Data.class,
                                        "content",
                                        "format",
                                        "sensitive-properties",
                                        "features",
                                        "select_existing")
                                .as(Data::of, Data::data),
                        Kind.TREE)
                .with(Formats.class, leaves.tree(Formats.class, "default", "valid"), Kind.TREE)
                .with(new TypeOf<Map<Format, String>>() {}, Codec.TEXT.mapped(Format::word, Format::ofWord), Kind.TREE)
                .with(
                        new TypeOf<Map<String, PropertySchema>>() {},
                        Leaves.named(Codec.TREE.as(PropertySchema::attributes, PropertySchema::new)),
                        Kind.TREE)
                .with(
                        new TypeOf<Map<String, PropertyOption>>() {},
                        Leaves.named(leaves.tree(PropertyOption.class, "optional", "fixed")),
                        Kind.TREE)
                .with(
                        new TypeOf<Map<String, SnapshotInfo>>() {},
                        Leaves.named(leaves.tree(SnapshotInfo.class, "id", "timestamp", "virtual-size")),
                        Kind.TREE)
                .as(ParsedVolume.class, Parsed.class, Parsed::of, Parsed::volume)
                .as(VolumePath.class, Located.class, Located::of, Located::toPath)
                .as(ListedVolume.class, Listed.class, Listed::of, Listed::toVolume)
                .as(StorageStatus.class, Room.class, Room::of, Room::status)
                .answering(new TypeOf<Rollback>() {}, GoingBack::new)
                .answering(new TypeOf<Optional<Cleanup>>() {}, row -> new LeftWork())
                .answering(new TypeOf<Pruned>() {}, row -> pruned(row, types))
                .answering(new TypeOf<HookResult>() {}, row -> hooked(row, types));
    }

    // ---- trees: what plugins wrote as they liked

    static Types leaves() {
        return Leaves.plain()
                .with(ByteSize.class, Leaves.number(ByteSize::bytes, ByteSize::ofBytes), Kind.TREE)
                .with(SnapshotName.class, StorageTypes.SNAPNAME, Kind.TREE)
                .with(Format.class, StorageTypes.FORMAT.orElse(() -> Format.Image.RAW), Kind.TREE)
                .with(
                        new TypeOf<Set<Format>>() {},
                        Leaves.of(
                                        (Set<Format> formats) -> Leaves.set(each(formats, Format::word)),
                                        words -> each(Leaves.words(words), Format::ofWord))
                                .orElse(Set::of),
                        Kind.TREE)
                .with(
                        Hints.class,
                        Leaves.of(
                                        (Hints hints) -> hints.equals(Hints.NONE) ? null : hints.values(),
                                        StorageAnswers::hints)
                                .orElse(() -> Hints.NONE),
                        Kind.TREE);
    }

    private static <T, R> Set<R> each(Set<T> all, Function<T, R> function) {
        return all.stream().map(function).collect(Collectors.toSet());
    }

    private static Hints hints(Object tree) {
        Map<String, Long> hints = new TreeMap<>();
        Trees.map(tree).forEach((name, value) -> hints.put(name, Leaves.isTrue(value) ? 1L : 0L));
        return new Hints(hints);
    }

    /** The answer of {@code plugindata}. Plugins in the wild leave elements out; what is missing is empty. */
    private record Data(
            @Nullable List<Object> content,
            @Nullable List<Object> format,
            @Nullable Set<String> sensitive,
            @Nullable Set<String> features,
            boolean selectExisting,
            Map<String, Object> other) {
        static Data of(PluginData data) {
            String format = data.defaultFormat();
            return new Data(
                    List.of(Leaves.set(data.content()), Leaves.set(data.defaultContent())),
                    format == null ? null : List.of(Leaves.set(data.formats()), format),
                    data.sensitiveProperties(),
                    data.features().isEmpty() ? null : data.features(),
                    data.selectExisting(),
                    data.other());
        }

        PluginData data() {
            return new PluginData(
                    Leaves.words(element(content, 0)),
                    Leaves.words(element(content, 1)),
                    Leaves.words(element(format, 0)),
                    element(format, 1) instanceof String word ? word : null,
                    sensitive,
                    features == null ? Set.of() : features,
                    selectExisting,
                    other);
        }

        private static @Nullable Object element(@Nullable List<Object> list, int index) {
            return list != null && index < list.size() ? list.get(index) : null;
        }
    }

    // ---- parse_volname, status: one map on the wire, a kind of record in Java

    /** The answer of {@code parse_volname} as its row has it. */
    private record Parsed(
            ContentType vtype,
            String name,
            @Nullable Vmid vmid,
            @Nullable String basename,
            @Nullable Vmid basevmid,
            boolean isBase,
            Format format) {

        static Parsed of(ParsedVolume parsed) {
            if (parsed instanceof ParsedVolume.GuestImage image) {
                ParsedVolume.Base base = image.base();
                return new Parsed(
                        ContentType.IMAGES,
                        image.name(),
                        image.owner(),
                        base == null ? null : base.name(),
                        base == null ? null : base.owner(),
                        image.isBase(),
                        image.format());
            }
            return new Parsed(parsed.type(), parsed.name(), parsed.owner(), null, null, false, parsed.format());
        }

        ParsedVolume volume() {
            if (vtype != ContentType.IMAGES && vtype != ContentType.ROOTDIR) {
                return new ParsedVolume.Content(vtype, name, vmid, format);
            }
            ParsedVolume.Base base = basename == null ? null : new ParsedVolume.Base(basename, basevmid);
            return new ParsedVolume.GuestImage(name, vmid, base, isBase, format);
        }
    }

    /** The answer of {@code status} as its row has it; what is not active mostly says nothing. */
    private record Room(
            @Nullable ByteSize total,
            @Nullable ByteSize available,
            @Nullable ByteSize used,
            @Nullable Boolean active) {
        private static final ByteSize NOTHING = ByteSize.ofBytes(0);

        static Room of(StorageStatus status) {
            return switch (status) {
                case StorageStatus.Active(ByteSize total, ByteSize available, ByteSize used) ->
                    new Room(total, available, used, true);
                case StorageStatus.Inactive(ByteSize total, ByteSize available, ByteSize used) -> {
                    boolean isSilent = total == null && available == null && used == null;
                    yield new Room(total, available, used, isSilent ? null : (Boolean) false);
                }
            };
        }

        StorageStatus status() {
            return Boolean.TRUE.equals(active)
                    ? new StorageStatus.Active(
                            Objects.requireNonNullElse(total, NOTHING),
                            Objects.requireNonNullElse(available, NOTHING),
                            Objects.requireNonNullElse(used, NOTHING))
                    : new StorageStatus.Inactive(total, available, used);
        }
    }

    /** The answer of {@code path} as its row has it. */
    private record Located(
            String path, @Nullable Vmid owner, @Nullable String vtype) {
        static Located of(VolumePath at) {
            return new Located(at.path(), at.owner(), at.vtype());
        }

        VolumePath toPath() {
            return VolumePath.of(path, owner, vtype);
        }
    }

    /** An entry of {@code list_volumes} as its row has it; a kind of content that PVE does not have hides no volume. */
    private record Listed(
            VolumeInfo volume,
            String content,
            @Nullable String subtype,
            @Nullable String notes,
            @Nullable Boolean protection) {
        private static final String CONTENT = "content";

        static Listed of(ListedVolume listed) {
            Object odd = listed.volume().other().get(CONTENT);
            String word = odd == null ? listed.content().word() : odd.toString();
            return new Listed(listed.volume(), word, listed.subtype(), listed.notes(), listed.protection());
        }

        /** The plugin's own word is kept in {@code other}. */
        ListedVolume toVolume() {
            ContentType type = ContentType.ofWord(content).orElse(null);
            if (type != null) {
                return new ListedVolume(volume, type, subtype, notes, protection);
            }
            Map<String, Object> other = new TreeMap<>(volume.other());
            other.put(CONTENT, content);
            return new ListedVolume(volume.withOther(other), ContentType.NONE, subtype, notes, protection);
        }
    }

    // ---- answers that are more than a value

    /** To Perl a volume that cannot go back is an error, and the blockers are pushed into the caller's own array. */
    private record GoingBack(Method row) implements Answering {
        @Override
        public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
            if (!(answer instanceof Rollback.Blocked(String reason, List<SnapshotName> blockers))) {
                return row.wrap(new Value.Bool(true), Nil.NIL);
            }
            Fields changed = Value.fields();
            if (call.params().get(row.changeable()) instanceof Seq given) {
                Set<Value> names = new LinkedHashSet<>(given.items());
                blockers.forEach(name -> names.add(Value.ofText(name.value())));
                changed = Value.fields(row.changeable(), new Seq(List.copyOf(names)));
            }
            throw RemoteStorageException.died(reason, changed);
        }

        @Override
        public Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            return new Rollback.Possible();
        }

        @Override
        public Object failed(RemoteStorageException failure) {
            Value blockers = failure.wireError().changed().get(row.changeable());
            return new Rollback.Blocked(
                    failure.refusal().orElseThrow(() -> failure),
                    blockers instanceof Seq ? StorageTypes.SNAPNAME.list().read(blockers) : List.of());
        }
    }

    /** What pruning did, and the retention, which plugins simplify in place. */
    private static Answering pruned(Method row, Types types) {
        return new Changing<List<PruneMark>, Retention, Pruned>(
                row,
                types.answering(row, new TypeOf<List<PruneMark>>() {}),
                StorageTypes.RETENTION,
                arguments -> Changing.given(arguments, Retention.class),
                Pruned::marks,
                (pruned, before) -> pruned.retention(),
                (marks, now, before) -> new Pruned(marks, now));
    }

    /** What a hook says, and the section that it changed: the change if there is one, else the storage's. */
    private static Answering hooked(Method row, Types types) {
        return new Changing<Map<String, Object>, Map<String, Object>, HookResult>(
                row,
                types.answering(row, new TypeOf<Map<String, Object>>() {}),
                Codec.TREE,
                arguments -> arguments.getLast() instanceof ConfigChange change
                        ? change.set()
                        : Changing.given(arguments, Storage.class).config().properties(),
                hook -> hook.answer().isEmpty() ? null : hook.answer(),
                (hook, before) -> withTypeOf(before, hook.properties()),
                (said, now, before) -> new HookResult(withTypeOf(before, now), said));
    }

    /** In Perl a section names its type; in Java it mostly does not. */
    private static Map<String, Object> withTypeOf(Map<String, Object> before, Map<String, Object> section) {
        Map<String, Object> same = new LinkedHashMap<>(section);
        if (before.containsKey(TYPE)) {
            same.putIfAbsent(TYPE, before.get(TYPE));
        } else {
            same.remove(TYPE);
        }
        return same;
    }
}
