package dev.tenon.core.image;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** How much of a new image is written or reserved at once (PVE's property {@code preallocation}). */
public enum Preallocation {
    OFF,
    METADATA,
    FALLOC,
    FULL;

    /** PVE's and qemu-img's word, for instance {@code metadata}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * What a new image on this storage gets: the configured one, else {@code metadata} for qcow2 and {@code off} for raw;
     * absent for the formats that know none. Raw images have no metadata, so that is {@code off} for them.
     *
     * @throws StorageException {@code BAD_CONFIG} if the property has another value
     */
    public static Optional<Preallocation> of(Storage storage, Format.Image format) {
        Optional<Preallocation> configured = storage.config()
                .text("preallocation")
                .map(word -> ofWord(word)
                        .orElseThrow(() -> StorageException.refused(
                                StorageError.BAD_CONFIG,
                                "storage '" + storage.id() + "' has preallocation " + Quoted.of(word)
                                        + ", which is none of off, metadata, falloc and full")));
        return switch (format) {
            case QCOW2 -> Optional.of(configured.orElse(METADATA));
            case RAW -> Optional.of(configured.filter(mode -> mode != METADATA).orElse(OFF));
            case VMDK, SUBVOL -> Optional.empty();
        };
    }

    private static Optional<Preallocation> ofWord(String word) {
        return Arrays.stream(values()).filter(mode -> mode.word().equals(word)).findFirst();
    }
}
