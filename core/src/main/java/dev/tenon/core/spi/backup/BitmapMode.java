package dev.tenon.core.spi.backup;

import java.util.Arrays;
import java.util.Optional;

/** What the host has done with a disk's dirty bitmap, and so what of the disk can be read. */
public enum BitmapMode {
    /** There is none. The whole disk can be read, and must be. */
    NONE("none"),
    /**
     * It begins with this backup, also if the provider wanted one that the host has lost. The whole disk can be read, and
     * must be.
     */
    NEW("new"),
    /** It is in use. Only what is dirty can be read; reading anything else is an error. */
    REUSE("reuse");

    private final String word;

    BitmapMode(String word) {
        this.word = word;
    }

    /** PVE's word. */
    public String word() {
        return word;
    }

    public static Optional<BitmapMode> ofWord(String word) {
        return Arrays.stream(values()).filter(each -> each.word.equals(word)).findFirst();
    }
}
