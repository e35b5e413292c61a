package dev.tenon.core.spi;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** An attribute that can be set on a volume. */
public enum VolumeAttribute {
    /** Free text. */
    NOTES,
    /** {@code "1"} if the volume must not be removed, else {@code "0"}. */
    PROTECTED;

    /** PVE's word, for instance {@code notes}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<VolumeAttribute> ofWord(String word) {
        return Arrays.stream(values())
                .filter(attribute -> attribute.word().equals(word))
                .findFirst();
    }
}
