package dev.tenon.it.storpool;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A volume or snapshot.
 *
 * @param globalId its id in all clusters
 * @param size in bytes
 * @param created seconds since 1970; no two objects have the same
 * @param parent the id of the snapshot that it is based on, null if there is none
 * @param isTransient whether it exists only to be a parent, and is no object for those who list
 */
public record Stored(
        String globalId,
        boolean isSnapshot,
        long size,
        String template,
        long created,
        @Nullable String parent,
        boolean isTransient,
        Map<String, String> tags) {
    public Stored {
        Map<String, String> kept = new TreeMap<>(tags);
        kept.values().removeIf(String::isEmpty);
        tags = Map.copyOf(kept);
    }

    /** As the API calls what has no name of its own. */
    String name() {
        return (isTransient ? "*" : "~") + globalId;
    }

    Stored withSize(long bytes) {
        return new Stored(globalId, isSnapshot, bytes, template, created, parent, isTransient, tags);
    }

    Stored withParent(String snapshot) {
        return new Stored(globalId, isSnapshot, size, template, created, snapshot, isTransient, tags);
    }

    /** With these tags beside or instead of those that it has; an empty value removes one. */
    Stored tagged(Map<String, String> more) {
        Map<String, String> merged = new TreeMap<>(tags);
        merged.putAll(more);
        return new Stored(globalId, isSnapshot, size, template, created, parent, isTransient, merged);
    }

    /** As the API shows it. */
    Map<String, Object> json() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("name", name());
        json.put("globalId", globalId);
        json.put("snapshot", isSnapshot);
        json.put("size", size);
        json.put("storedSize", size);
        json.put("templateName", template);
        json.put("creationTimestamp", created);
        json.put("tags", new TreeMap<>(tags));
        return json;
    }
}
