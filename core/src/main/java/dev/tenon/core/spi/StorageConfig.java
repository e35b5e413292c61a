package dev.tenon.core.spi;

import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The configuration of a storage (PVE's {@code $scfg}): one decoded section of {@code storage.cfg} without its secrets.
 *
 * @param type the storage type, for instance {@code dir}
 * @param properties property to value as PVE decodes it: text, or for {@code content}, {@code nodes} and
 *     {@code content-dirs} a map; booleans are {@code "0"} and {@code "1"}
 */
public record StorageConfig(String type, Map<String, Object> properties) {
    public StorageConfig {
        properties = Collections.unmodifiableMap(new LinkedHashMap<>(properties));
    }

    /** The text of a property; empty if it is not set. */
    public Optional<String> text(String property) {
        return properties.get(property) instanceof String text ? Optional.of(text) : Optional.empty();
    }

    /** The value of a boolean property, or the default if it is missing. */
    public boolean flag(String property, boolean absent) {
        return text(property).map(text -> !text.isEmpty() && !text.equals("0")).orElse(absent);
    }

    /** The keys of a property that is a set or a map, or the items of a list written as text. */
    public Set<String> words(String property) {
        return switch (properties.get(property)) {
            case Map<?, ?> map -> {
                Set<String> words = new LinkedHashSet<>();
                map.keySet().forEach(key -> words.add(String.valueOf(key)));
                yield words;
            }
            case String text -> {
                Set<String> words = new LinkedHashSet<>();
                for (String word : text.split("[,;\\s]+", -1)) {
                    if (!word.isEmpty()) {
                        words.add(word);
                    }
                }
                yield words;
            }
            case null, default -> Set.of();
        };
    }

    /** The values of a property that is a map, or of a list of {@code key=value} written as text. */
    public Map<String, String> map(String property) {
        Map<String, String> result = new LinkedHashMap<>();
        switch (properties.get(property)) {
            case Map<?, ?> map -> map.forEach((key, value) -> result.put(String.valueOf(key), String.valueOf(value)));
            case String text -> {
                for (String item : text.split(",", -1)) {
                    int equals = item.indexOf('=');
                    if (equals > 0) {
                        result.put(item.substring(0, equals), item.substring(equals + 1));
                    }
                }
            }
            case null, default -> {}
        }
        return result;
    }

    /** The content that the storage is configured for; unknown words are left out, as in PVE. */
    public Set<ContentType> content() {
        Set<ContentType> content = EnumSet.noneOf(ContentType.class);
        words("content").forEach(word -> ContentType.ofWord(word).ifPresent(content::add));
        return content;
    }
}
