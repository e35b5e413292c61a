package dev.tenon.core.spi.backup;

import java.util.Arrays;
import java.util.Optional;

/** What a provider wants of the host's dirty bitmap of a disk. */
public enum BitmapUse {
    /** Begin a new one with this backup, which is a full one. */
    NEW("new"),
    /** Give what is dirty, and start over. */
    USE("use"),
    /** Keep none; drop one that exists. */
    NONE("none");

    private final String word;

    BitmapUse(String word) {
        this.word = word;
    }

    /** PVE's word. */
    public String word() {
        return word;
    }

    public static Optional<BitmapUse> ofWord(String word) {
        return Arrays.stream(values()).filter(each -> each.word.equals(word)).findFirst();
    }
}
