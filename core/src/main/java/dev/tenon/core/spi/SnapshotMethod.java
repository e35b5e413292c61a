package dev.tenon.core.spi;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Who makes the snapshots of a volume that a running guest uses. */
public enum SnapshotMethod {
    /** QEMU, inside the image. */
    QEMU,
    /** The storage, without QEMU noticing. */
    STORAGE,
    /** The storage makes a new image on top, which QEMU opens. */
    MIXED;

    /** PVE's word, for instance {@code mixed}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<SnapshotMethod> ofWord(String word) {
        return Arrays.stream(values())
                .filter(method -> method.word().equals(word))
                .findFirst();
    }
}
