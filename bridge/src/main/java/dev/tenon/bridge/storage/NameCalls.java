package dev.tenon.bridge.storage;

import static java.util.Map.entry;

import dev.tenon.bridge.storage.TypedCalls.TypedCall;
import dev.tenon.core.spi.Format;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Text;
import java.util.Map;
import java.util.Optional;

/** How the names of images tell their formats. */
final class NameCalls {
    static final Map<String, TypedCall> CALLS = Map.ofEntries(
            entry("FORMAT_EXTENSION", (plugin, p, caller) -> Results.ofExtensions(plugin.formatExtensions())),
            entry("is_valid_format", (plugin, p, caller) -> new Bool(plugin.isValidFormat(format(p)))),
            entry("get_format_extension", (plugin, p, caller) -> nullable(plugin.formatExtension(format(p)))),
            entry(
                    "get_parsed_format",
                    (plugin, p, caller) ->
                            nullable(plugin.parsedFormat(p.required("name")).map(Format::word))),
            entry(
                    "volname_with_format",
                    (plugin, p, caller) -> Results.ofText(plugin.nameWithFormat(p.required("name"), format(p)))),
            entry(
                    "volname_for_format",
                    (plugin, p, caller) ->
                            Results.ofText(plugin.nameForFormat(p.required("name"), format(p), p.flag("strict")))));

    private NameCalls() {}

    private static Format format(Params p) {
        return Format.ofWord(p.required("fmt"));
    }

    private static Value nullable(Optional<String> text) {
        return text.<Value>map(Text::new).orElse(Nil.NIL);
    }
}
