package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import java.util.List;
import java.util.Optional;

/** How much room the templates of a cluster have. */
final class Room {
    /** Those of one cluster, as one operation of the host knows them: its storages share the answer. */
    private record Templates(List<ClusterApi.TemplateStatus> all) {}

    private Room() {}

    /**
     * Refuses a storage whose template is not there.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE}
     */
    static void requireTemplate(ClusterApi api, Storage storage) {
        try {
            api.template(Configuration.template(storage));
        } catch (StorageException e) {
            throw e.error() == StorageError.NOT_FOUND ? missing(storage) : e;
        }
    }

    static StorageStatus status(ClusterApi api, Storage storage, OperationCache cache) {
        String name = Configuration.template(storage);
        Templates templates = cache.get(
                "storpool:templates:" + api.settings().base(), Templates.class, () -> new Templates(api.templates()));
        Optional<ClusterApi.TemplateStatus> template = templates.all().stream()
                .filter(each -> each.name().equals(name))
                .findFirst();
        ClusterApi.TemplateStatus room = template.orElseThrow(() -> missing(storage));
        long free = Math.clamp(room.free(), 0, room.capacity());
        return new StorageStatus.Active(
                ByteSize.ofBytes(room.capacity()), ByteSize.ofBytes(free), ByteSize.ofBytes(room.capacity() - free));
    }

    private static StorageException missing(Storage storage) {
        return StorageException.refused(
                StorageError.STORAGE_UNAVAILABLE,
                "storage '" + storage.id() + "': StorPool has no template "
                        + Quoted.of(Configuration.template(storage)));
    }
}
