package dev.tenon.it.sidebyside;

import dev.tenon.it.support.Installation;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What Tenon does on purpose in another way than PVE's own {@code dir}. What it refuses is told to Java alone, which must
 * refuse it and leave everything as it is.
 */
enum Difference {
    /** qemu-img takes a second snapshot of the same name, and only one of them can be reached by it. */
    SNAPSHOT_NAME_TWICE("already exists"),
    /** Linked clones know their base by its name, and lose their data with it. */
    BASE_RENAMED("unable to rename base volume"),
    /** The extension tells with which format an image is opened, and a guest would see the header of its image. */
    FORMAT_RENAMED("volume name does not match requested format"),
    /** An image that is no base would be one by its name, without protection. */
    RENAMED_TO_BASE("is no base image"),
    /** The snapshots of a chain know the image by its name, and cannot be deleted once it is a base. */
    BASE_WITH_CHAIN("create_base not possible with snapshots"),
    /** PVE leaves a directory the name of an ordinary volume, and nobody knows it as a base; it is told to nobody. */
    BASE_OF_DIRECTORY(null),
    /** PVE asks qemu-img for the snapshots of a directory, which fails; there are none. It is told to nobody. */
    SNAPSHOTS_OF_DIRECTORY(null),
    /**
     * A linked clone is based on its own snapshot while it has one in a chain, so that neither host finds it when its
     * base is freed. It is told to nobody.
     */
    BASE_OF_CLONE_WITH_CHAIN(null),
    /**
     * PVE takes the base of a linked clone for a snapshot in its chain, newer than all, and refuses to go back. Tenon does
     * it; it is told to nobody.
     */
    ROLLBACK_OF_CLONE_WITH_CHAIN(null),
    /**
     * In the id of a linked clone PVE finds the number of its base, if both belong to one guest, and not its own, and then
     * overwrites it with the next clone. Tenon sees both numbers; it is told to nobody.
     */
    CLONE_BESIDE_ITS_BASE(null);

    private final @Nullable String fragment;

    Difference(@Nullable String fragment) {
        this.fragment = fragment;
    }

    /** What Java's refusal says, null if nobody is told. */
    @Nullable
    String fragment() {
        return fragment;
    }

    /** Whether this operation is told to Java alone; the example plugin refuses what Java does. */
    static Optional<Difference> of(Operation operation, RandomOperations state, boolean hasSnapshotChains) {
        if (Installation.pveLibrary() == null) {
            return Optional.empty();
        }
        String volid = operation.volid().orElse("");
        boolean isBase = volid.matches(".*/base-[^/]*");
        boolean hasSnapshots = !state.snapshots(volid).isEmpty();
        return switch (operation.function()) {
            case "volume_snapshot" ->
                !hasSnapshotChains && state.snapshots(volid).contains(operation.text(1))
                        ? Optional.of(SNAPSHOT_NAME_TWICE)
                        : Optional.empty();
            case "vdisk_create_base" -> {
                if (volid.endsWith(".subvol")) {
                    yield Optional.of(BASE_OF_DIRECTORY);
                }
                yield hasSnapshotChains && hasSnapshots && !isBase ? Optional.of(BASE_WITH_CHAIN) : Optional.empty();
            }
            case "volume_snapshot_info" ->
                volid.endsWith(".subvol") ? Optional.of(SNAPSHOTS_OF_DIRECTORY) : Optional.empty();
            case "volume_snapshot_rollback" ->
                hasSnapshotChains && state.isClone(volid)
                        ? Optional.of(ROLLBACK_OF_CLONE_WITH_CHAIN)
                        : Optional.empty();
            case "vdisk_free" ->
                hasSnapshotChains && state.hasCloneWithSnapshots(volid)
                        ? Optional.of(BASE_OF_CLONE_WITH_CHAIN)
                        : Optional.empty();
            case "vdisk_clone" ->
                isNumberedFor(volid.substring(volid.lastIndexOf('/') + 1), operation.text(1))
                        ? Optional.of(CLONE_BESIDE_ITS_BASE)
                        : Optional.empty();
            case "rename_volume" ->
                isNumberedFor(volid.substring(0, Math.max(volid.lastIndexOf('/'), 0)), operation.text(1))
                        ? Optional.of(CLONE_BESIDE_ITS_BASE)
                        : ofRename(volid, operation.optional(2).orElse(null), isBase);
            default -> Optional.empty();
        };
    }

    private static boolean isNumberedFor(String base, String guest) {
        return base.contains("-" + guest + "-disk-");
    }

    private static Optional<Difference> ofRename(String volid, @Nullable String name, boolean isBase) {
        if (isBase) {
            return Optional.of(BASE_RENAMED);
        }
        if (name == null || volid.contains("missing")) {
            return Optional.empty();
        }
        if (!name.substring(name.lastIndexOf('.')).equals(volid.substring(volid.lastIndexOf('.')))) {
            return Optional.of(FORMAT_RENAMED);
        }
        return name.startsWith("base-") ? Optional.of(RENAMED_TO_BASE) : Optional.empty();
    }
}
