package dev.tenon.core.spi;

import java.util.List;
import java.util.Optional;

/** Which images {@code list_images} lists. */
public sealed interface ImageFilter {
    static ImageFilter all() {
        return new All();
    }

    /** All images of the storage. */
    record All() implements ImageFilter {}

    /** The images of one guest. */
    record OfGuest(Vmid owner) implements ImageFilter {}

    /** These volumes, as far as they exist; ids of other storages are ignored. */
    record Named(List<VolumeId> volumes) implements ImageFilter {
        public Named {
            volumes = List.copyOf(volumes);
        }
    }

    /** Whether an image with this id and owner is listed. */
    default boolean accepts(VolumeId volid, Optional<Vmid> owner) {
        return switch (this) {
            case All() -> true;
            case OfGuest(Vmid wanted) -> owner.isPresent() && owner.get().equals(wanted);
            case Named(List<VolumeId> volumes) -> volumes.contains(volid);
        };
    }
}
