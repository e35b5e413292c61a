package dev.tenon.core.storage.common;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import java.util.List;

/** The stream formats of volumes that are files or directories. */
public final class TransferFormats {
    private TransferFormats() {}

    /**
     * The formats of this volume, best first.
     *
     * @param hasChain whether its snapshots are files of their own, which no format carries
     */
    public static List<String> of(ParsedVolume volume, boolean withSnapshots, boolean hasChain) {
        if (withSnapshots) {
            return withSnapshots(volume, hasChain);
        }
        return switch (volume) {
            case ParsedVolume.GuestImage image ->
                image.format() == Format.Image.SUBVOL ? List.of("tar+size") : List.of("raw+size");
            case ParsedVolume.Content content ->
                switch (content.type()) {
                    case ISO, SNIPPETS, VZTMPL -> List.of("raw+size");
                    // content that is still inside an archive is not a file that could be sent
                    case IMPORT -> content.name().contains("/") ? List.of() : List.of("raw+size");
                    case BACKUP, IMAGES, NONE, ROOTDIR -> List.of();
                };
        };
    }

    private static List<String> withSnapshots(ParsedVolume volume, boolean hasChain) {
        if (volume.format() == Format.Image.QCOW2 && !hasChain) {
            return List.of("qcow2+size");
        }
        return volume.format() == Format.Image.VMDK ? List.of("vmdk+size") : List.of();
    }
}
