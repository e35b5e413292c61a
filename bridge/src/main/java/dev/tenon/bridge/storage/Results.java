package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Trees;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers as typed values, read or written. Reading expects that the method table has checked their shape. */
public final class Results {
    private static final Logger LOG = LoggerFactory.getLogger(Results.class);
    private static final Set<String> IMAGE_FIELDS = fieldsOf("list_images");
    private static final Set<String> VOLUME_FIELDS = fieldsOf("list_volumes");

    private static final Pattern WHOLE_NUMBER = Pattern.compile("^[0-9]{1,18}(?:\\.[0-9]{1,9})?$");

    private Results() {}

    private static Set<String> fieldsOf(String method) {
        return StorageApi.API.method(method).result() instanceof Method.Result.Records records
                ? Set.copyOf(records.fields().stream().map(Method.Param::name).toList())
                : Set.of();
    }

    // ---- single values

    public static Value of(VolumeName volume) {
        return new Text(volume.value());
    }

    public static Value ofText(String text) {
        return new Text(text);
    }

    public static String text(Value value) {
        if (value instanceof Text(String text)) {
            return text;
        }
        throw odd("text", value);
    }

    // ---- parse_volname

    public static Value of(ParsedVolume parsed) {
        Map<String, Value> fields = new LinkedHashMap<>();
        switch (parsed) {
            case ParsedVolume.GuestImage(
                    String name,
                    Vmid owner,
                    ParsedVolume.Base base,
                    boolean isBase,
                    Format format) -> {
                fields.put("vtype", new Text(ContentType.IMAGES.word()));
                fields.put("name", new Text(name));
                fields.put("vmid", ofVmid(owner));
                fields.put("basename", base == null ? Nil.NIL : new Text(base.name()));
                fields.put("basevmid", base == null ? Nil.NIL : ofVmid(base.owner()));
                fields.put("isBase", new Bool(isBase));
                fields.put("format", new Text(format.word()));
            }
            case ParsedVolume.Content(ContentType type, String name, Vmid owner, Format format) -> {
                fields.put("vtype", new Text(type.word()));
                fields.put("name", new Text(name));
                fields.put("vmid", ofVmid(owner));
                fields.put("basename", Nil.NIL);
                fields.put("basevmid", Nil.NIL);
                fields.put("isBase", new Bool(false));
                fields.put("format", new Text(format.word()));
            }
        }
        return new Fields(fields);
    }

    public static ParsedVolume parsedVolume(Value value) {
        Fields fields = fields(value);
        ContentType type = contentType(fields);
        String name = text(fields.get("name"));
        Vmid owner = vmid(fields.get("vmid"));
        Format format = format(fields);
        if (type != ContentType.IMAGES && type != ContentType.ROOTDIR) {
            return new ParsedVolume.Content(type, name, owner, format);
        }
        ParsedVolume.Base base = fields.get("basename") instanceof Text(String basename)
                ? new ParsedVolume.Base(basename, vmid(fields.get("basevmid")))
                : null;
        return new ParsedVolume.GuestImage(
                name, owner, base, fields.get("isBase").equals(new Bool(true)), format);
    }

    // ---- path, filesystem_path

    public static Value of(VolumePath path) {
        Map<String, Value> fields = new LinkedHashMap<>();
        fields.put("path", new Text(path.path()));
        fields.put("owner", ofVmid(path.owner()));
        fields.put("vtype", ofNullable(path.vtype()));
        return new Fields(fields);
    }

    public static VolumePath volumePath(Value value) {
        Fields fields = fields(value);
        return VolumePath.of(
                text(fields.get("path")),
                vmid(fields.get("owner")),
                fields.get("vtype") instanceof Text(String word) ? word : null);
    }

    // ---- list_images

    public static Value ofImages(List<VolumeInfo> images) {
        return new Seq(
                images.stream().<Value>map(image -> new Fields(image(image))).toList());
    }

    private static Map<String, Value> image(VolumeInfo image) {
        Map<String, Value> fields = new LinkedHashMap<>();
        fields.put("volid", new Text(image.volid().toString()));
        fields.put("format", new Text(image.format().word()));
        image.blank().forEach(name -> fields.put(name, Nil.NIL));
        putIfSaid(fields, "size", ofSize(image.size()));
        putIfSaid(fields, "vmid", ofVmid(image.owner()));
        putIfSaid(fields, "used", ofSize(image.used()));
        putIfSaid(fields, "parent", ofNullable(image.parent()));
        putIfSaid(fields, "ctime", ofTime(image.ctime()));
        image.other().forEach((key, further) -> fields.put(key, Trees.toValue(further)));
        return fields;
    }

    private static void putIfSaid(Map<String, Value> fields, String name, Value value) {
        if (!(value instanceof Nil)) {
            fields.put(name, value);
        }
    }

    /** A backup may be named for a day before 1970, which nobody made it on. */
    private static Value ofTime(@Nullable Long seconds) {
        return seconds == null || seconds < 0 ? Nil.NIL : new Int(seconds);
    }

    public static List<VolumeInfo> images(Value value) {
        List<VolumeInfo> images = new ArrayList<>();
        records(value).forEach(fields -> image(fields, IMAGE_FIELDS).ifPresent(images::add));
        return images;
    }

    private static List<Fields> records(Value value) {
        if (!(value instanceof Seq(List<Value> items))) {
            throw odd("a list", value);
        }
        return items.stream().map(Results::fields).toList();
    }

    private static Optional<VolumeInfo> image(Fields fields, Set<String> known) {
        Map<String, Object> other = new TreeMap<>();
        Set<String> blank = new TreeSet<>();
        fields.entries().forEach((key, entry) -> {
            if (entry instanceof Nil) {
                blank.add(key);
            }
            Object further = Trees.toJava(entry);
            if (!known.contains(key) && further != null) {
                other.put(key, further);
            }
        });
        return volumeId(text(fields.get("volid")))
                .map(volid -> new VolumeInfo(
                        volid,
                        format(fields),
                        size(fields.get("size")),
                        vmid(fields.get("vmid")),
                        size(fields.get("used")),
                        fields.get("parent") instanceof Text(String parent) ? parent : null,
                        fields.get("ctime") instanceof Int(long ctime) ? ctime : null,
                        other,
                        blank));
    }

    // ---- list_volumes

    public static Value ofVolumes(List<ListedVolume> volumes) {
        List<Value> records = new ArrayList<>(volumes.size());
        for (ListedVolume volume : volumes) {
            Map<String, Value> fields = image(volume.volume());
            fields.putIfAbsent("content", new Text(volume.content().word()));
            putIfSaid(fields, "subtype", ofNullable(volume.subtype()));
            putIfSaid(fields, "notes", ofNullable(volume.notes()));
            Boolean protection = volume.protection();
            putIfSaid(fields, "protected", protection == null ? Nil.NIL : new Bool(protection));
            records.add(new Fields(fields));
        }
        return new Seq(records);
    }

    public static List<ListedVolume> volumes(Value value) {
        List<ListedVolume> volumes = new ArrayList<>();
        for (Fields fields : records(value)) {
            image(fields, VOLUME_FIELDS)
                    .ifPresent(volume -> volumes.add(new ListedVolume(
                            withOddContent(volume, text(fields.get("content"))),
                            ContentType.ofWord(text(fields.get("content"))).orElse(ContentType.NONE),
                            fields.get("subtype") instanceof Text(String subtype) ? subtype : null,
                            fields.get("notes") instanceof Text(String notes) ? notes : null,
                            fields.get("protected") instanceof Bool(boolean truth) ? (Boolean) truth : null)));
        }
        return volumes;
    }

    /** A kind of content that PVE does not have hides no volume; the word itself is among what else the plugin says. */
    private static VolumeInfo withOddContent(VolumeInfo volume, String word) {
        if (ContentType.ofWord(word).isPresent()) {
            return volume;
        }
        Map<String, Object> other = new TreeMap<>(volume.other());
        other.put("content", word);
        return new VolumeInfo(
                volume.volid(),
                volume.format(),
                volume.size(),
                volume.owner(),
                volume.used(),
                volume.parent(),
                volume.ctime(),
                other,
                volume.blank());
    }

    // ---- prune_backups

    public static Value ofMarks(List<PruneMark> marks) {
        List<Value> records = new ArrayList<>(marks.size());
        for (PruneMark mark : marks) {
            Map<String, Value> fields = new LinkedHashMap<>();
            fields.put("volid", new Text(mark.volid().toString()));
            fields.put("ctime", new Int(Math.max(0, mark.ctime())));
            fields.put("type", new Text(mark.type()));
            fields.put("mark", new Text(mark.mark()));
            putIfSaid(fields, "vmid", ofVmid(mark.owner()));
            records.add(new Fields(fields));
        }
        return new Seq(records);
    }

    public static List<PruneMark> marks(Value value) {
        List<PruneMark> marks = new ArrayList<>();
        for (Fields fields : records(value)) {
            volumeId(text(fields.get("volid")))
                    .ifPresent(volid -> marks.add(new PruneMark(
                            volid,
                            fields.get("ctime") instanceof Int(long ctime) ? ctime : 0,
                            text(fields.get("type")),
                            text(fields.get("mark")),
                            vmid(fields.get("vmid")))));
        }
        return marks;
    }

    public static Fields of(Retention retention) {
        Map<String, Value> values = new LinkedHashMap<>();
        retention.keep().forEach((name, number) -> values.put(name, new Int(number)));
        return new Fields(values);
    }

    public static Retention retention(Fields fields) {
        Map<String, Long> keep = new TreeMap<>();
        fields.entries().forEach((name, value) -> {
            if (value instanceof Int(long number)) {
                keep.put(name, number);
            }
        });
        return new Retention(keep);
    }

    // ---- volume_snapshot_info

    public static Value ofSnapshots(Map<String, SnapshotInfo> snapshots) {
        Map<String, Object> tree = new TreeMap<>();
        snapshots.forEach((name, info) -> {
            Map<String, Object> entry = new TreeMap<>(info.other());
            put(entry, "id", info.id());
            put(entry, "timestamp", info.timestamp());
            ByteSize size = info.virtualSize();
            put(entry, "virtual-size", size == null ? null : size.bytes());
            tree.put(name, entry);
        });
        return Trees.toValue(tree);
    }

    private static void put(Map<String, Object> entry, String key, @Nullable Object value) {
        if (value != null) {
            entry.put(key, value);
        }
    }

    public static Map<String, SnapshotInfo> snapshots(Value value) {
        Map<String, SnapshotInfo> snapshots = new TreeMap<>();
        map(Trees.toJava(value)).forEach((name, tree) -> {
            Map<String, Object> entry = map(tree);
            Object id = entry.remove("id");
            Long timestamp = number(entry.remove("timestamp"));
            Long size = number(entry.remove("virtual-size"));
            snapshots.put(
                    name,
                    new SnapshotInfo(
                            id == null ? null : id.toString(),
                            timestamp,
                            size == null ? null : ByteSize.ofBytes(size),
                            entry));
        });
        return snapshots;
    }

    /** Plugins tell times as text, and with fractions. */
    private static @Nullable Long number(@Nullable Object text) {
        if (text == null || !WHOLE_NUMBER.matcher(text.toString()).find()) {
            return null;
        }
        return (long) Double.parseDouble(text.toString());
    }

    public static Value ofWords(List<String> words) {
        return new Seq(words.stream().map(Value::ofText).toList());
    }

    public static List<String> words(Value value) {
        if (!(value instanceof Seq(List<Value> items))) {
            throw odd("a list", value);
        }
        return items.stream().map(Results::text).toList();
    }

    public static boolean truth(Value value) {
        return value.equals(new Bool(true));
    }

    public static Optional<String> optionalText(Value value) {
        return value instanceof Text(String text) ? Optional.of(text) : Optional.empty();
    }

    // ---- get_formats

    public static Value of(Formats formats) {
        Map<String, Object> valid = new TreeMap<>();
        formats.valid().forEach(format -> valid.put(format.word(), "1"));
        return Trees.toValue(Map.of("default", formats.preferred().word(), "valid", valid));
    }

    public static Formats formats(Value value) {
        Map<String, Object> tree = map(Trees.toJava(value));
        Set<Format> valid = new LinkedHashSet<>();
        keys(tree.get("valid")).forEach(word -> valid.add(Format.ofWord(word)));
        Format preferred = Format.ofWord(tree.get("default") instanceof String word ? word : "raw");
        valid.add(preferred);
        return new Formats(preferred, valid);
    }

    // ---- FORMAT_EXTENSION

    public static Value ofExtensions(Map<Format, String> extensions) {
        Map<String, Object> words = new TreeMap<>();
        extensions.forEach((format, extension) -> words.put(format.word(), extension));
        return Trees.toValue(words);
    }

    public static Map<Format, String> extensions(Value value) {
        Map<Format, String> extensions = new LinkedHashMap<>();
        map(Trees.toJava(value))
                .forEach((word, extension) -> extensions.put(Format.ofWord(word), String.valueOf(extension)));
        return extensions;
    }

    // ---- qemu_blockdev_options, get_import_metadata

    public static Value ofJson(Map<String, Object> json) {
        return Trees.jsonToValue(json);
    }

    public static Map<String, Object> json(Value value) {
        return map(Trees.jsonToJava(value));
    }

    // ---- hooks

    public static Map<String, Object> section(Value value) {
        return map(Trees.toJava(value));
    }

    /** One image with a name that leads elsewhere must not hide all the others. */
    private static Optional<VolumeId> volumeId(String text) {
        try {
            return Optional.of(VolumeId.parse(text));
        } catch (StorageException e) {
            LOG.warn("event=image-left-out reason=\"{}\"", e.getMessage());
            return Optional.empty();
        }
    }

    // ---- volume_size_info

    public static Value of(SizeInfo info) {
        Map<String, Value> fields = new LinkedHashMap<>();
        fields.put("size", ofSize(info.size()));
        fields.put("format", new Text(info.format().word()));
        fields.put("used", ofSize(info.used()));
        fields.put("parent", ofNullable(info.parent()));
        fields.put("ctime", ofNullable(info.ctime()));
        return new Fields(fields);
    }

    public static SizeInfo sizeInfo(Value value) {
        Fields fields = fields(value);
        return new SizeInfo(
                size(fields.get("size")),
                format(fields),
                size(fields.get("used")),
                fields.get("parent") instanceof Text(String parent) ? parent : null,
                fields.get("ctime") instanceof Int(long ctime) ? ctime : null);
    }

    // ---- status

    public static Value of(StorageStatus status) {
        Map<String, Value> fields = new LinkedHashMap<>();
        switch (status) {
            case StorageStatus.Active(ByteSize total, ByteSize available, ByteSize used) -> {
                fields.put("total", ofSize(total));
                fields.put("avail", ofSize(available));
                fields.put("used", ofSize(used));
                fields.put("active", new Bool(true));
            }
            case StorageStatus.Inactive(ByteSize total, ByteSize available, ByteSize used) -> {
                fields.put("total", ofSize(total));
                fields.put("avail", ofSize(available));
                fields.put("used", ofSize(used));
                boolean isSilent = total == null && available == null && used == null;
                fields.put("active", isSilent ? Nil.NIL : new Bool(false));
            }
        }
        return new Fields(fields);
    }

    public static StorageStatus status(Value value) {
        Fields fields = fields(value);
        if (!fields.get("active").equals(new Bool(true))) {
            return new StorageStatus.Inactive(
                    size(fields.get("total")), size(fields.get("avail")), size(fields.get("used")));
        }
        return new StorageStatus.Active(bytes(fields, "total"), bytes(fields, "avail"), bytes(fields, "used"));
    }

    private static ByteSize bytes(Fields fields, String name) {
        return fields.get(name) instanceof Int(long number) ? ByteSize.ofBytes(number) : ByteSize.ofBytes(0);
    }

    // ---- plugindata, properties, options

    public static Value of(PluginData data) {
        Map<String, Object> tree = new LinkedHashMap<>(data.other());
        tree.put("content", List.of(set(data.content()), set(data.defaultContent())));
        String defaultFormat = data.defaultFormat();
        if (defaultFormat != null) {
            tree.put("format", List.of(set(data.formats()), defaultFormat));
        }
        Set<String> sensitive = data.sensitiveProperties();
        if (sensitive != null) {
            tree.put("sensitive-properties", set(sensitive));
        }
        if (!data.features().isEmpty()) {
            tree.put("features", set(data.features()));
        }
        if (data.selectExisting()) {
            tree.put("select_existing", "1");
        }
        return Trees.toValue(tree);
    }

    /** Plugins in the wild leave elements out or add some; what is missing is empty. */
    public static PluginData pluginData(Value value) {
        Map<String, Object> tree = new LinkedHashMap<>(map(Trees.toJava(value)));
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
                selectExisting != null && !selectExisting.equals("0") && !selectExisting.equals(""),
                tree);
    }

    public static Value ofProperties(Map<String, PropertySchema> properties) {
        Map<String, Object> tree = new TreeMap<>();
        properties.forEach((name, schema) -> tree.put(name, schema.attributes()));
        return Trees.toValue(tree);
    }

    public static Map<String, PropertySchema> properties(Value value) {
        Map<String, PropertySchema> properties = new TreeMap<>();
        map(Trees.toJava(value)).forEach((name, schema) -> properties.put(name, new PropertySchema(map(schema))));
        return properties;
    }

    public static Value ofOptions(Map<String, PropertyOption> options) {
        Map<String, Object> tree = new TreeMap<>();
        options.forEach((name, option) -> {
            Map<String, Object> flags = new TreeMap<>();
            if (option.fixed()) {
                flags.put("fixed", "1");
            }
            if (option.optional()) {
                flags.put("optional", "1");
            }
            tree.put(name, flags);
        });
        return Trees.toValue(tree);
    }

    public static Map<String, PropertyOption> options(Value value) {
        Map<String, PropertyOption> options = new TreeMap<>();
        map(Trees.toJava(value)).forEach((name, flags) -> {
            Set<String> set = keys(flags);
            options.put(name, new PropertyOption(set.contains("optional"), set.contains("fixed")));
        });
        return options;
    }

    private static Map<String, Object> set(Set<String> words) {
        Map<String, Object> set = new TreeMap<>();
        words.forEach(word -> set.put(word, "1"));
        return set;
    }

    /** The keys whose values are true in Perl. */
    private static Set<String> keys(@Nullable Object tree) {
        Set<String> keys = new TreeSet<>();
        map(tree).forEach((key, truth) -> {
            if (!truth.equals("0") && !truth.equals("")) {
                keys.add(key);
            }
        });
        return keys;
    }

    private static Map<String, Object> map(@Nullable Object tree) {
        Map<String, Object> map = new LinkedHashMap<>();
        if (tree instanceof Map<?, ?> entries) {
            entries.forEach((key, value) -> {
                if (value != null) {
                    map.put(String.valueOf(key), value);
                }
            });
        }
        return map;
    }

    private static @Nullable Object element(List<?> list, int index) {
        return index < list.size() ? list.get(index) : null;
    }

    // ---- parts

    private static Fields fields(Value value) {
        if (value instanceof Fields fields) {
            return fields;
        }
        throw odd("a map", value);
    }

    private static ContentType contentType(Fields fields) {
        return contentType(text(fields.get("vtype")));
    }

    private static ContentType contentType(String word) {
        return ContentType.ofWord(word)
                .orElseThrow(() -> new StorageException(
                        StorageError.BAD_RESULT,
                        Outcome.UNKNOWN,
                        "the plugin answered with the unknown vtype '" + word + "'"));
    }

    private static Format format(Fields fields) {
        return Format.ofWord(text(fields.get("format")));
    }

    private static @Nullable Vmid vmid(Value value) {
        return value instanceof Int(long number) ? new Vmid(number) : null;
    }

    private static Value ofVmid(@Nullable Vmid vmid) {
        return vmid == null ? Nil.NIL : new Int(vmid.value());
    }

    private static @Nullable ByteSize size(Value value) {
        return value instanceof Int(long number) ? ByteSize.ofBytes(number) : null;
    }

    private static Value ofSize(@Nullable ByteSize size) {
        return size == null ? Nil.NIL : new Int(size.bytes());
    }

    private static Value ofNullable(@Nullable String text) {
        return text == null ? Nil.NIL : new Text(text);
    }

    private static Value ofNullable(@Nullable Long number) {
        return number == null ? Nil.NIL : new Int(number);
    }

    private static StorageException odd(String wanted, Value got) {
        return new StorageException(
                StorageError.BAD_RESULT,
                Outcome.UNKNOWN,
                "the plugin answered with " + got.kind() + ", where " + wanted + " belongs");
    }
}
