package dev.tenon.core.storage.common;

import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotName;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What volumes of storages that are directories offer. */
public final class Features {
    private static final Set<Image> FILES = EnumSet.of(Image.RAW, Image.QCOW2, Image.VMDK);
    private static final Set<Image> WITH_DIRECTORIES = EnumSet.allOf(Image.class);
    private static final Set<Image> WITH_SNAPSHOTS = EnumSet.of(Image.QCOW2);
    private static final Set<Image> NONE = EnumSet.noneOf(Image.class);

    private Features() {}

    public static boolean has(
            Feature feature, ParsedVolume volume, @Nullable SnapshotName snapshot, @Nullable Set<Format> targets) {
        if (feature == Feature.CLONE && targets != null && !targets.contains(Image.QCOW2)) {
            return false; // a linked clone is always qcow2
        }
        Set<Image> formats;
        if (snapshot != null) {
            formats = ofSnapshot(feature);
        } else if (volume instanceof ParsedVolume.GuestImage image && image.isBase()) {
            formats = ofBase(feature);
        } else {
            formats = ofCurrent(feature);
        }
        return volume.format() instanceof Image format && formats.contains(format);
    }

    private static Set<Image> ofSnapshot(Feature feature) {
        return switch (feature) {
            case SNAPSHOT, COPY -> WITH_SNAPSHOTS;
            case CLONE, RENAME, REPLICATE, SPARSEINIT, TEMPLATE -> NONE;
        };
    }

    private static Set<Image> ofBase(Feature feature) {
        return switch (feature) {
            case CLONE, COPY, SPARSEINIT -> FILES;
            case RENAME, REPLICATE, SNAPSHOT, TEMPLATE -> NONE;
        };
    }

    private static Set<Image> ofCurrent(Feature feature) {
        return switch (feature) {
            case SNAPSHOT -> WITH_SNAPSHOTS;
            case TEMPLATE -> WITH_DIRECTORIES;
            case COPY, RENAME, SPARSEINIT -> FILES;
            case CLONE, REPLICATE -> NONE;
        };
    }
}
