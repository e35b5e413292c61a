package dev.tenon.bridge.storage;

import static java.util.Map.entry;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.storage.TypedCalls.TypedCall;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Text;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** What volumes there are, and how they come and go. */
final class ImageCalls {
    private static final Method PRUNE = StorageApi.API.method("prune_backups");

    static final Map<String, TypedCall> CALLS = Map.ofEntries(
            entry("parse_volname", (plugin, p, caller) -> Results.of(plugin.parseVolname(p.volume()))),
            entry("path", (plugin, p, caller) -> Results.of(plugin.path(p.storage(), p.volume(), p.snapshot()))),
            entry(
                    "filesystem_path",
                    (plugin, p, caller) -> Results.of(plugin.filesystemPath(p.storage(), p.volume(), p.snapshot()))),
            entry(
                    "list_images",
                    (plugin, p, caller) -> Results.ofImages(plugin.listImages(p.storage(), p.filter(), p.cache()))),
            entry(
                    "list_volumes",
                    (plugin, p, caller) ->
                            Results.ofVolumes(plugin.listVolumes(p.storage(), p.optionalVmid("vmid"), content(p)))),
            entry(
                    "find_free_diskname",
                    (plugin, p, caller) -> Results.ofText(
                            plugin.findFreeDiskname(p.storage(), p.vmid(), p.format("fmt"), p.flag("add_fmt_suffix")))),
            entry("alloc_image", (plugin, p, caller) -> {
                Format format = p.format("fmt");
                if (format == null) {
                    throw StorageException.refused(StorageError.BAD_PARAMETER, "alloc_image: no format specified");
                }
                return Results.of(plugin.allocImage(p.storage(), p.vmid(), format, p.text("name"), p.kib("size")));
            }),
            entry(
                    "free_image",
                    (plugin, p, caller) -> plugin.freeImage(
                                    p.storage(), p.volume(), p.flag("isBase"), p.format("format"))
                            .map(caller::keep)
                            .<Value>map(Text::new)
                            .orElse(Value.Nil.NIL)),
            entry("create_base", (plugin, p, caller) -> Results.of(plugin.createBase(p.storage(), p.volume()))),
            entry(
                    "clone_image",
                    (plugin, p, caller) -> Results.of(
                            plugin.cloneImage(p.storage(), p.volume(), p.vmid(), p.optionalSnapshot("snap")))),
            entry(
                    "rename_volume",
                    (plugin, p, caller) -> Results.ofText(plugin.renameVolume(
                                    p.storage(),
                                    p.volume("source_volname"),
                                    p.optionalVmid("target_vmid"),
                                    p.text("target_volname") == null
                                            ? null
                                            : new VolumeName(p.required("target_volname")))
                            .toString())),
            entry("prune_backups", ImageCalls::prune));

    private ImageCalls() {}

    private static Set<ContentType> content(Params p) {
        Set<ContentType> content = EnumSet.noneOf(ContentType.class);
        p.words("content_types").forEach(word -> ContentType.ofWord(word).ifPresent(content::add));
        return content;
    }

    private static Value prune(StoragePlugin plugin, Params p, Caller caller) {
        Retention asked = p.retention();
        TaskLog log = p.isGiven("logfunc") ? remote(caller, p.number("logfunc")) : (level, line) -> {};
        Pruned pruned = plugin.pruneBackups(
                p.storage(), asked, new BackupSelection(p.optionalVmid("vmid"), p.text("type")), p.flag("dryrun"), log);
        Fields changed = pruned.retention().equals(asked)
                ? Value.fields()
                : Value.fields("keep", Results.of(pruned.retention()));
        return PRUNE.wrap(new Method.Answer(Results.ofMarks(pruned.marks()), changed));
    }

    private static TaskLog remote(Caller caller, long function) {
        return (level, line) ->
                caller.run(function, List.of(Value.ofText(level.name().toLowerCase(Locale.ROOT)), Value.ofText(line)));
    }
}
