package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Answering;
import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.codec.Incoming;
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
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.Outcome;
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
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Method;
import dev.tenon.proto.Type.Kind;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.WireError;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** How the values cross that storage plugins answer with. */
final class StorageAnswers {
    private static final Pattern WHOLE_NUMBER = Pattern.compile("^[0-9]{1,18}(?:\\.[0-9]{1,9})?$");

    private static final Codec<SnapshotMethod> SNAPSHOT_METHOD = Codec.of(
            method -> Codec.TEXT.write(method.word()),
            word -> word instanceof Nil
                    ? SnapshotMethod.STORAGE
                    : SnapshotMethod.ofWord(Codec.TEXT.read(word)).orElse(SnapshotMethod.STORAGE));

    private StorageAnswers() {}

    static Types addedTo(Types types) {
        return types.with(SnapshotMethod.class, SNAPSHOT_METHOD, Kind.STR)
                .with(PluginData.class, tree(StorageAnswers::ofPluginData, StorageAnswers::pluginData), Kind.TREE)
                .with(Formats.class, tree(StorageAnswers::ofFormats, StorageAnswers::formats), Kind.TREE)
                .with(
                        new TypeOf<Map<Format, String>>() {},
                        tree(StorageAnswers::ofExtensions, StorageAnswers::extensions),
                        Kind.TREE)
                .with(
                        new TypeOf<Map<String, PropertySchema>>() {},
                        named(PropertySchema::attributes, PropertySchema::new),
                        Kind.TREE)
                .with(
                        new TypeOf<Map<String, PropertyOption>>() {},
                        named(StorageAnswers::ofOption, StorageAnswers::option),
                        Kind.TREE)
                .with(
                        new TypeOf<Map<String, SnapshotInfo>>() {},
                        named(StorageAnswers::ofSnapshot, StorageAnswers::snapshot),
                        Kind.TREE)
                .as(ParsedVolume.class, Parsed.class, Parsed::of, Parsed::volume)
                .as(VolumePath.class, Located.class, Located::of, Located::toPath)
                .as(ListedVolume.class, Listed.class, Listed::of, Listed::toVolume)
                .as(StorageStatus.class, Room.class, Room::of, Room::status)
                .answering(new TypeOf<Rollback>() {}, GoingBack::new)
                .answering(new TypeOf<Optional<Cleanup>>() {}, row -> new Left())
                .answering(
                        new TypeOf<Pruned>() {},
                        row -> new Marks(row, types.answering(row, new TypeOf<List<PruneMark>>() {})))
                .answering(new TypeOf<HookResult>() {}, Hook::new);
    }

    private static <T> Codec<T> tree(Function<T, Map<String, Object>> to, Function<Map<String, Object>, T> from) {
        return Codec.TREE.as(to, from);
    }

    /** A tree of such, by name. */
    private static <T> Codec<Map<String, T>> named(
            Function<T, Map<String, Object>> to, Function<Map<String, Object>, T> from) {
        return Codec.TREE.as(
                values -> {
                    Map<String, Object> trees = new TreeMap<>();
                    values.forEach((name, value) -> trees.put(name, to.apply(value)));
                    return trees;
                },
                trees -> {
                    Map<String, T> values = new TreeMap<>();
                    trees.forEach((name, tree) -> values.put(name, from.apply(Trees.map(tree))));
                    return values;
                });
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

        /** The plugin's own word is among what else it says. */
        ListedVolume toVolume() {
            ContentType type = ContentType.ofWord(content).orElse(null);
            if (type != null) {
                return new ListedVolume(volume, type, subtype, notes, protection);
            }
            Map<String, Object> other = new TreeMap<>(volume.other());
            other.put(CONTENT, content);
            VolumeInfo odd = new VolumeInfo(
                    volume.volid(),
                    volume.format(),
                    volume.size(),
                    volume.owner(),
                    volume.used(),
                    volume.parent(),
                    volume.ctime(),
                    other,
                    volume.blank());
            return new ListedVolume(odd, ContentType.NONE, subtype, notes, protection);
        }
    }

    // ---- volume_snapshot_info

    private static Map<String, Object> ofSnapshot(SnapshotInfo info) {
        Map<String, Object> entry = new TreeMap<>(info.other());
        put(entry, "id", info.id());
        put(entry, "timestamp", info.timestamp());
        ByteSize size = info.virtualSize();
        put(entry, "virtual-size", size == null ? null : size.bytes());
        return entry;
    }

    private static SnapshotInfo snapshot(Map<String, Object> entry) {
        Object id = entry.remove("id");
        Long timestamp = number(entry.remove("timestamp"));
        Long size = number(entry.remove("virtual-size"));
        return new SnapshotInfo(
                id == null ? null : id.toString(), timestamp, size == null ? null : ByteSize.ofBytes(size), entry);
    }

    private static void put(Map<String, Object> entry, String key, @Nullable Object value) {
        if (value != null) {
            entry.put(key, value);
        }
    }

    /** Plugins tell times as text, and with fractions. */
    private static @Nullable Long number(@Nullable Object text) {
        if (text == null || !WHOLE_NUMBER.matcher(text.toString()).find()) {
            return null;
        }
        return (long) Double.parseDouble(text.toString());
    }

    // ---- get_formats, plugindata, options

    private static Map<String, Object> ofFormats(Formats formats) {
        Set<String> words = new TreeSet<>();
        formats.valid().forEach(format -> words.add(format.word()));
        return Map.of("default", formats.preferred().word(), "valid", set(words));
    }

    private static Formats formats(Map<String, Object> tree) {
        Set<Format> valid = new LinkedHashSet<>();
        keys(tree.get("valid")).forEach(word -> valid.add(Format.ofWord(word)));
        Format preferred = Format.ofWord(tree.get("default") instanceof String word ? word : "raw");
        valid.add(preferred);
        return new Formats(preferred, valid);
    }

    private static Map<String, Object> ofExtensions(Map<Format, String> extensions) {
        Map<String, Object> words = new TreeMap<>();
        extensions.forEach((format, extension) -> words.put(format.word(), extension));
        return words;
    }

    private static Map<Format, String> extensions(Map<String, Object> words) {
        Map<Format, String> extensions = new LinkedHashMap<>();
        words.forEach((word, extension) -> extensions.put(Format.ofWord(word), extension.toString()));
        return extensions;
    }

    private static Map<String, Object> ofPluginData(PluginData data) {
        Map<String, Object> tree = new LinkedHashMap<>(data.other());
        tree.put("content", List.of(set(data.content()), set(data.defaultContent())));
        String defaultFormat = data.defaultFormat();
        if (defaultFormat != null) {
            tree.put("format", List.of(set(data.formats()), defaultFormat));
        }
        Set<String> sensitive = data.sensitiveProperties();
        put(tree, "sensitive-properties", sensitive == null ? null : set(sensitive));
        put(tree, "features", data.features().isEmpty() ? null : set(data.features()));
        put(tree, "select_existing", data.selectExisting() ? "1" : null);
        return tree;
    }

    /** Plugins in the wild leave elements out or add some; what is missing is empty. */
    private static PluginData pluginData(Map<String, Object> tree) {
        List<?> content = tree.remove("content") instanceof List<?> list ? list : List.of();
        List<?> format = tree.remove("format") instanceof List<?> list ? list : List.of();
        Object sensitive = tree.remove("sensitive-properties");
        Object features = tree.remove("features");
        Object selectExisting = tree.remove("select_existing");
        return new PluginData(
                keys(element(content, 0)),
                keys(element(content, 1)),
                keys(element(format, 0)),
                element(format, 1) instanceof String word ? word : null,
                sensitive == null ? null : keys(sensitive),
                keys(features),
                selectExisting != null && isTrue(selectExisting),
                tree);
    }

    private static @Nullable Object element(List<?> list, int index) {
        return index < list.size() ? list.get(index) : null;
    }

    private static Map<String, Object> ofOption(PropertyOption option) {
        Set<String> flags = new TreeSet<>();
        if (option.fixed()) {
            flags.add("fixed");
        }
        if (option.optional()) {
            flags.add("optional");
        }
        return set(flags);
    }

    private static PropertyOption option(Map<String, Object> flags) {
        Set<String> set = keys(flags);
        return new PropertyOption(set.contains("optional"), set.contains("fixed"));
    }

    private static Map<String, Object> set(Set<String> words) {
        Map<String, Object> set = new TreeMap<>();
        words.forEach(word -> set.put(word, "1"));
        return set;
    }

    /** The keys whose values are true in Perl. */
    private static Set<String> keys(@Nullable Object tree) {
        Set<String> keys = new TreeSet<>();
        Trees.map(tree).forEach((key, truth) -> {
            if (isTrue(truth)) {
                keys.add(key);
            }
        });
        return keys;
    }

    private static boolean isTrue(Object text) {
        return !text.equals("0") && !text.equals("");
    }

    // ---- answers that are more than a value

    /** Work that a {@code free_image} leaves: a token. */
    private record Left() implements Answering {
        @Override
        public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
            String token = answer instanceof Optional<?> left && left.orElse(null) instanceof Cleanup cleanup
                    ? call.caller().keep(cleanup)
                    : null;
            return token == null ? Nil.NIL : Codec.TEXT.write(token);
        }

        @Override
        public Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            if (answer instanceof Nil) {
                return Optional.empty();
            }
            String token = Codec.TEXT.read(answer);
            Cleanup cleanup = () -> call.claim(token);
            return Optional.of(cleanup);
        }
    }

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
                            changed));
        }

        @Override
        public Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            return new Rollback.Possible();
        }
    }

    /** What pruning did, and the retention, which plugins simplify in place. */
    private record Marks(Method row, Answering marks) implements Answering {
        private static final Codec<Retention> RETENTION = Codec.COUNTS.as(Retention::keep, Retention::new);

        @Override
        public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
            Pruned pruned = (Pruned) Objects.requireNonNull(answer);
            boolean isAsAsked = arguments.contains(pruned.retention());
            return row.wrap(
                    marks.write(pruned.marks(), arguments, call),
                    isAsAsked ? Nil.NIL : RETENTION.write(pruned.retention()));
        }

        @Override
        @SuppressWarnings("unchecked") // it is bound as such a list
        public Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            Method.Answer both = row.unwrap(answer);
            Value changed = both.changed().get(row.changeable());
            Retention asked = arguments.stream()
                    .filter(Retention.class::isInstance)
                    .map(Retention.class::cast)
                    .findFirst()
                    .orElseThrow();
            return new Pruned(
                    (List<PruneMark>) Objects.requireNonNull(marks.read(both.result(), arguments, call)),
                    changed instanceof Nil ? asked : RETENTION.read(changed));
        }
    }

    /** What a hook says, and the section that it changed: the change if there is one, else the storage's. */
    private record Hook(Method row) implements Answering {
        @Override
        public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
            HookResult result = (HookResult) Objects.requireNonNull(answer);
            Map<String, Object> before = section(arguments, StorageTypes::withType);
            Map<String, Object> after = new LinkedHashMap<>(result.properties());
            if (before.containsKey("type")) {
                after.putIfAbsent("type", before.get("type"));
            }
            Value said = result.answer().isEmpty() ? Nil.NIL : Trees.toValue(result.answer());
            return row.wrap(said, before.equals(after) ? Nil.NIL : Trees.toValue(after));
        }

        @Override
        public Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
            Map<String, Object> before = section(arguments, StorageConfig::properties);
            Method.Answer both = row.unwrap(answer);
            Value changed = both.changed().get(row.changeable());
            Map<String, Object> after = new LinkedHashMap<>(changed instanceof Nil ? before : Codec.TREE.read(changed));
            if (!before.containsKey("type")) {
                after.remove("type");
            }
            return new HookResult(after, Codec.TREE.read(both.result()));
        }

        private static Map<String, Object> section(
                List<@Nullable Object> arguments, Function<StorageConfig, Map<String, Object>> ofStorage) {
            Map<String, Object> section = Map.of();
            for (Object argument : arguments) {
                section = switch (argument) {
                    case Storage storage -> ofStorage.apply(storage.config());
                    case ConfigChange change -> change.set();
                    case null, default -> section;
                };
            }
            return section;
        }
    }
}
