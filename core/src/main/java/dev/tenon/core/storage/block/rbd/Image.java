package dev.tenon.core.storage.block.rbd;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An image of a pool, as a listing tells of it.
 *
 * @param size in bytes
 * @param parent the image and snapshot of which it is a clone, {@code IMAGE@SNAPSHOT}; null if it is none
 * @param snapshots in the order of the listing
 */
record Image(String name, long size, @Nullable String parent, List<Snapshot> snapshots) {
    Image {
        snapshots = List.copyOf(snapshots);
    }

    /**
     * A snapshot of an image.
     *
     * @param id unique in its image
     * @param size in bytes
     * @param isProtected whether clones may be made of it, and it cannot be removed
     * @param created seconds since 1970, null if not known
     */
    record Snapshot(
            String name,
            long id,
            long size,
            boolean isProtected,
            @Nullable Long created) {}

    /** The name of the base image of which it is a linked clone, null if it is none. */
    @Nullable
    String base() {
        String snapshot = "@" + RbdNames.BASE_SNAPSHOT;
        if (parent == null || !parent.endsWith(snapshot)) {
            return null;
        }
        String name = parent.substring(0, parent.length() - snapshot.length());
        return RbdNames.find(name).filter(image -> image.isBase()).isPresent() ? name : null;
    }

    Optional<Snapshot> snapshot(String wanted) {
        return snapshots.stream()
                .filter(snapshot -> snapshot.name().equals(wanted))
                .findFirst();
    }
}
