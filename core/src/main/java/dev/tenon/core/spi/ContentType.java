package dev.tenon.core.spi;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a storage may hold, under PVE's names. */
public enum ContentType {
    BACKUP,
    IMAGES,
    IMPORT,
    ISO,
    NONE,
    ROOTDIR,
    SNIPPETS,
    VZTMPL;

    /** PVE's word, for instance {@code vztmpl}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<ContentType> ofWord(String word) {
        return Arrays.stream(values()).filter(type -> type.word().equals(word)).findFirst();
    }
}
