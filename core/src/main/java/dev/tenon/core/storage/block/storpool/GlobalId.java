package dev.tenon.core.storage.block.storpool;

import java.util.Optional;

/**
 * What StorPool calls a volume or snapshot in all of its clusters: three parts of lower-case letters and digits, such as
 * {@code b.c.4fx}. It never changes while the object lives.
 */
record GlobalId(String value) {
    static final String GRAMMAR = "[a-z0-9]+\\.[a-z0-9]+\\.[a-z0-9]+";

    private static final int DOTS = 2;

    GlobalId {
        if (!isOne(value)) {
            throw new IllegalArgumentException("'" + value + "' is no global id of StorPool");
        }
    }

    /** The id, empty if the text is none. */
    static Optional<GlobalId> of(String text) {
        return isOne(text) ? Optional.of(new GlobalId(text)) : Optional.empty();
    }

    /** Whether a text is of {@link #GRAMMAR}; a listing asks it of every object, and a pattern takes several times as long. */
    private static boolean isOne(String text) {
        int dots = 0;
        int length = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '.' && length > 0) {
                dots++;
                length = 0;
            } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
                length++;
            } else {
                return false;
            }
        }
        return dots == DOTS && length > 0;
    }

    /** As the API takes it where it takes a name: {@code ~b.c.4fx}. */
    String reference() {
        return "~" + value;
    }

    @Override
    public String toString() {
        return value;
    }
}
