package dev.tenon.core.spi;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a plugin can hold (PVE's {@code plugindata}).
 *
 * @param content the content types it accepts
 * @param defaultContent those a storage has if its configuration names none
 * @param formats the image formats it accepts; empty means raw only
 * @param defaultFormat the one used if none is asked for, null if {@code formats} is empty
 * @param sensitiveProperties properties that are never written to {@code storage.cfg}; null if the plugin does not say,
 *     in which case PVE uses its own four names
 * @param features what the plugin offers beyond volumes, for instance {@code backup-provider}
 * @param selectExisting whether volumes are selected from existing ones instead of created
 * @param other keys beyond these, as decoded
 */
public record PluginData(
        Set<String> content,
        Set<String> defaultContent,
        Set<String> formats,
        @Nullable String defaultFormat,
        @Nullable Set<String> sensitiveProperties,
        Set<String> features,
        boolean selectExisting,
        Map<String, Object> other) {
    public PluginData {
        content = Set.copyOf(content);
        defaultContent = Set.copyOf(defaultContent);
        formats = Set.copyOf(formats);
        sensitiveProperties = sensitiveProperties == null ? null : Set.copyOf(sensitiveProperties);
        features = Set.copyOf(features);
        other = Map.copyOf(other);
    }

    /** The image formats that a storage with this configuration takes. */
    public Formats formatsOf(Storage storage) {
        Set<Format> valid = new LinkedHashSet<>();
        formats.forEach(word -> valid.add(Format.ofWord(word)));
        Format preferred = Format.ofWord(storage.config()
                .text("format")
                .filter(formats::contains)
                .or(() -> Optional.ofNullable(defaultFormat))
                .orElse(Format.Image.RAW.word()));
        return new Formats(preferred, valid);
    }
}
