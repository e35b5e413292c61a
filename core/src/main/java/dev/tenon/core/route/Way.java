package dev.tenon.core.route;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Who makes a call. */
public enum Way {
    /** The old plugin. */
    OLD,
    /** The old plugin; what only reads is asked of the new one afterwards, and the answers are compared. */
    SHADOW,
    /** The new plugin; the old one after any error of a call that reads, and after a change that was not started. */
    FALLBACK,
    /** The new plugin. */
    NEW;

    /** As people write it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** By the word, empty if there is no such way. */
    public static Optional<Way> of(String word) {
        return Arrays.stream(values()).filter(way -> way.word().equals(word)).findFirst();
    }

    /** Whether the new plugin answers callers. */
    public boolean isNew() {
        return this == FALLBACK || this == NEW;
    }
}
