package dev.tenon.it.faulty;

import java.util.Locale;

/** What is wrong with a plugin. */
enum Kind {
    // ---- with answers
    MISSING_FIELD,
    OTHER_VALUE,
    OTHER_ORDER,
    // ---- with answers and changes
    OFF_BY_ONE,
    OTHER_UNIT,
    OTHER_STORAGE,
    LATE_ERROR,
    OTHER_TEXT,
    OTHER_ERROR,
    SLOW,
    // ---- with changes
    NOT_DONE,
    DONE_TWICE,
    DONE_LATER,
    OTHER_VOLUME,
    OTHER_SNAPSHOT,
    OTHER_GUEST,
    LEFT_VOLUME,
    LEFT_FILE;

    String words() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
