package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The volumes of a storage. */
final class Listing {
    private static final Logger LOG = LoggerFactory.getLogger(Listing.class);

    /** Those of one cluster, as one operation of the host knows them: its storages share the answer. */
    private record Objects(List<ApiObject> all) {}

    private Listing() {}

    /** The images of guests, of which snapshots are some. */
    static List<VolumeInfo> images(Use use, ImageFilter filter, OperationCache cache) {
        Objects objects = cache.get(
                "storpool:objects:" + use.api().settings().base(),
                Objects.class,
                () -> new Objects(use.api().objects()));
        List<VolumeInfo> images = new ArrayList<>();
        String guest = filter instanceof ImageFilter.OfGuest(var owner) ? owner.toString() : null;
        for (ApiObject object : objects.all()) {
            boolean isWanted = guest == null || object.has(Tag.GUEST, guest);
            if (isWanted && object.isThere() && use.isOurs(object) && !object.has(Tag.TYPE, "iso")) {
                named(use, object)
                        .filter(image -> filter.accepts(image.volid(), Optional.ofNullable(image.owner())))
                        .ifPresent(images::add);
            }
        }
        return images;
    }

    static List<ListedVolume> isos(Use use) {
        return use.api().objects().stream()
                .filter(object -> object.isThere() && use.isOurs(object) && object.has(Tag.TYPE, "iso"))
                .map(object -> named(use, object))
                .flatMap(Optional::stream)
                .map(image -> new ListedVolume(image, ContentType.ISO, null, null, false))
                .toList();
    }

    /** One that breaks the rules must not hide all the others. */
    private static Optional<VolumeInfo> named(Use use, ApiObject object) {
        StorpoolName name;
        try {
            name = NamedByTags.of(object);
        } catch (StorageException e) {
            LOG.warn("event=left-out storage={} reason=\"{}\"", use.storage().id(), e.getMessage());
            return Optional.empty();
        }
        Long stored = object.storedSize();
        return Optional.of(new VolumeInfo(
                new VolumeId(use.storage().id(), new VolumeName(name.text())),
                Format.Image.RAW,
                ByteSize.ofBytes(object.size()),
                name.owner(),
                stored == null ? null : ByteSize.ofBytes(stored),
                null,
                null,
                Map.of()));
    }
}
