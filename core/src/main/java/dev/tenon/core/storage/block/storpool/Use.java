package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A storage in use by one call.
 *
 * @param location the name of the PVE cluster
 */
record Use(Storage storage, ClusterApi api, String location) {
    /** An existing object, with its name. */
    record Present(StorpoolName name, GlobalId id, ApiObject object) {}

    /** The tags of whatever this storage makes. */
    Map<String, String> ownTags() {
        Map<String, String> tags = new LinkedHashMap<>();
        tags.put(Tag.VIRT.word(), Tag.PVE);
        tags.put(Tag.LOCATION.word(), location);
        tags.put(Tag.STORAGE.word(), storage.id().value());
        tags.putAll(Configuration.extraTags(storage));
        return tags;
    }

    /** Whether it is an object of this PVE cluster, in whatever storage. */
    boolean isOfCluster(ApiObject object) {
        return object.has(Tag.VIRT, Tag.PVE) && object.has(Tag.LOCATION, location);
    }

    boolean isOurs(ApiObject object) {
        return isOfCluster(object) && object.has(Tag.STORAGE, storage.id().value());
    }

    /**
     * The object of a volume.
     *
     * @throws StorageException {@code NOT_FOUND}; {@code PERMISSION_DENIED} if it is part of another PVE cluster
     */
    Present present(VolumeName volume) {
        StorpoolName name = StorpoolName.parse(volume);
        return find(name).orElseThrow(() -> missing(volume));
    }

    static StorageException missing(VolumeName volume) {
        return StorageException.refused(
                StorageError.NOT_FOUND, "volume " + Quoted.of(volume.value()) + " does not exist");
    }

    /** The object of this name, empty if there is none, or if it has another name by now. */
    Optional<Present> find(StorpoolName name) {
        if (name instanceof StorpoolName.CloudInit cloudInit && cloudInit.global() == null) {
            return newestCloudInit(cloudInit.guest())
                    .flatMap(object -> GlobalId.of(object.globalId()).map(id -> new Present(name, id, object)));
        }
        GlobalId id = Objects.requireNonNull(name.global(), "id");
        Optional<ApiObject> object = api.find(id, name.isSnapshot());
        object.ifPresent(this::refuseOther);
        return object.filter(this::isOurs)
                .filter(found -> isNamed(found, name))
                .map(found -> new Present(name, id, found));
    }

    /** PVE clusters on one StorPool leave each other alone. */
    private void refuseOther(ApiObject object) {
        String other = object.tag(Tag.LOCATION);
        if (other != null && !other.equals(location)) {
            throw StorageException.refused(
                    StorageError.PERMISSION_DENIED,
                    (object.isSnapshot() ? "snapshot " : "volume ") + Quoted.of(object.name())
                            + " is part of another cluster: " + Quoted.inWords(other));
        }
    }

    private static boolean isNamed(ApiObject object, StorpoolName name) {
        StorpoolName byTags;
        try {
            byTags = NamedByTags.of(object);
        } catch (StorageException e) {
            return false;
        }
        return name instanceof StorpoolName.CloudInit cloudInit
                ? byTags.equals(new StorpoolName.CloudInit(cloudInit.guest(), null))
                : byTags.equals(name);
    }

    private Optional<ApiObject> newestCloudInit(Vmid guest) {
        return api.volumes().stream()
                .filter(volume -> volume.isThere() && isOfCluster(volume))
                .filter(volume -> volume.has(Tag.GUEST, guest.toString())
                        && volume.has(Tag.TYPE, "images")
                        && volume.has(Tag.DISK, NamedByTags.CLOUD_INIT))
                .max(Comparator.comparingLong(ApiObject::created));
    }

    /**
     * The snapshots of a disk.
     *
     * @param name those of this name, null for all
     */
    List<ApiObject> snapshotsOf(GlobalId disk, @Nullable String name) {
        return api.snapshots().stream()
                .filter(snapshot -> snapshot.isThere() && isOurs(snapshot))
                .filter(snapshot -> snapshot.has(Tag.SNAPSHOT_OF, disk.value()))
                .filter(snapshot -> name == null || snapshot.has(Tag.SNAPSHOT, name))
                .toList();
    }

    /**
     * The one snapshot of this name.
     *
     * @throws StorageException {@code NOT_FOUND}; {@code BAD_RESULT} if there are several
     */
    ApiObject snapshotOf(VolumeName volume, GlobalId disk, String name) {
        List<ApiObject> found = snapshotsOf(disk, name);
        if (found.isEmpty()) {
            throw StorageException.refused(
                    StorageError.NOT_FOUND,
                    "snapshot " + Quoted.of(name) + " does not exist on volume " + Quoted.of(volume.value()));
        }
        if (found.size() > 1) {
            throw new StorageException(
                    StorageError.BAD_RESULT,
                    Outcome.NOT_STARTED,
                    "volume " + Quoted.of(volume.value()) + " has " + found.size() + " snapshots called "
                            + Quoted.of(name) + ", and nobody knows which is meant: delete them, or rename one in"
                            + " StorPool");
        }
        return found.getFirst();
    }

    /** The number that the next disk of a guest gets: one above all of them, in whatever storage. */
    long nextDisk(List<ApiObject> objects, Vmid guest) {
        return objects.stream()
                        .filter(object -> isOfCluster(object) && object.has(Tag.GUEST, guest.toString()))
                        .map(object -> Objects.requireNonNullElse(object.tag(Tag.DISK), ""))
                        .filter(disk -> disk.matches("[0-9]{1,9}"))
                        .mapToLong(Long::parseLong)
                        .max()
                        .orElse(-1)
                + 1;
    }

    /**
     * Makes an object. If the answer does not come, what was made is looked for and removed.
     *
     * @param before the objects that there were before
     * @param tags those that it is made with
     */
    GlobalId make(List<ApiObject> before, boolean isSnapshot, Map<String, String> tags, Supplier<GlobalId> making) {
        try {
            return making.get();
        } catch (StorageException e) {
            Set<String> ids = new HashSet<>();
            before.forEach(object -> ids.add(object.globalId()));
            throw api.withoutTrace(e, ids, isSnapshot, tags);
        }
    }
}
