package dev.tenon.core.storage.block.storpool;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A volume or snapshot as the API describes it.
 *
 * @param name {@code ~} and the global id if it has no name of its own; begins with {@code *} while it is being deleted
 * @param globalId as the API says it, empty if it does not
 * @param isSnapshot whether it is a snapshot
 * @param size in bytes
 * @param storedSize the bytes of it that are stored, null if the API does not say
 * @param created seconds since 1970
 * @param tags name to value, unmodifiable
 */
record ApiObject(
        String name,
        String globalId,
        boolean isSnapshot,
        long size,
        @Nullable Long storedSize,
        long created,
        Map<String, String> tags) {
    /** The value of a tag, null if it has none; the API takes an empty one for none. */
    @Nullable
    String tag(Tag tag) {
        String value = tags.get(tag.word());
        return value == null || value.isEmpty() ? null : value;
    }

    boolean has(Tag tag, String value) {
        return value.equals(tags.get(tag.word()));
    }

    /** The same, where the call says what it is. */
    ApiObject of(boolean snapshot) {
        return new ApiObject(name, globalId, snapshot, size, storedSize, created, tags);
    }

    /** Whether it still counts as existing. */
    boolean isThere() {
        return !name.startsWith("*");
    }
}
