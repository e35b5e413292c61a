package dev.tenon.core.service;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a storage is.
 *
 * @param type its storage type
 * @param content what it may hold
 * @param isEnabled whether it may be used on this node
 * @param isShared whether other nodes use it too
 * @param status what can be used of it; inactive where it was not asked or did not answer
 * @param problem why it cannot be used, one sentence; null if nothing failed
 */
public record StorageSummary(
        StorageId id,
        String type,
        Set<ContentType> content,
        boolean isEnabled,
        boolean isShared,
        StorageStatus status,
        @Nullable String problem) {
    public StorageSummary {
        content = Set.copyOf(content);
    }
}
