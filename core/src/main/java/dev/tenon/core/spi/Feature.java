package dev.tenon.core.spi;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** A feature that a volume may have (those of PVE's {@code volume_has_feature}). */
public enum Feature {
    /** Linked clones. */
    CLONE,
    /** Full clones. */
    COPY,
    RENAME,
    REPLICATE,
    SNAPSHOT,
    /** New volumes read as zeros, so that zeros need not be written. */
    SPARSEINIT,
    /** Conversion to a base image. */
    TEMPLATE;

    /** PVE's word, for instance {@code sparseinit}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The feature with this word; empty for one that only a newer host knows. */
    public static Optional<Feature> ofWord(String word) {
        return Arrays.stream(values())
                .filter(feature -> feature.word().equals(word))
                .findFirst();
    }
}
