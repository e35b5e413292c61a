package dev.tenon.proto;

/** Goes through the maps of a list whose bytes have been checked, without making objects of them. */
final class RecordBytes {
    private final byte[] bytes;
    private final Skimmer skimmer;
    private int at;
    private int left;
    private int keyBegin;
    private int keyEnd;
    private int valueBegin;

    /** What a value is, as far as its first byte tells. */
    enum ValueKind {
        NIL,
        BOOL,
        INTEGER,
        TEXT,
        OTHER
    }

    RecordBytes(EncodedList list) {
        bytes = list.frame();
        skimmer = new Skimmer(bytes, Limits.DEFAULT);
        at = skimmer.contents(list.begin());
    }

    /** Goes to the next element of the list; false if that is no map. */
    boolean next() {
        int first = bytes[at] & 0xff;
        if ((first < 0x80 || first > 0x8f) && first != 0xde && first != 0xdf) {
            at = skimmer.after(at);
            left = 0;
            return false;
        }
        left = (int) skimmer.count(at);
        at = skimmer.contents(at);
        return true;
    }

    /** Goes to the next entry of the map, false if there is none. */
    boolean nextEntry() {
        if (left == 0) {
            return false;
        }
        left--;
        keyBegin = skimmer.contents(at);
        keyEnd = skimmer.after(at);
        valueBegin = keyEnd;
        at = skimmer.after(valueBegin);
        return true;
    }

    int keyBegin() {
        return keyBegin;
    }

    int keyEnd() {
        return keyEnd;
    }

    int valueBegin() {
        return valueBegin;
    }

    int valueEnd() {
        return at;
    }

    /** Where the characters of a text value begin. */
    int textBegin() {
        return skimmer.contents(valueBegin);
    }

    ValueKind valueKind() {
        int first = bytes[valueBegin] & 0xff;
        if (first < 0x80 || first >= 0xe0 || (first >= 0xcc && first <= 0xd3)) {
            return ValueKind.INTEGER;
        }
        if ((first >= 0xa0 && first < 0xc0) || (first >= 0xd9 && first <= 0xdb)) {
            return ValueKind.TEXT;
        }
        return switch (first) {
            case 0xc0 -> ValueKind.NIL;
            case 0xc2, 0xc3 -> ValueKind.BOOL;
            default -> ValueKind.OTHER;
        };
    }

    /** A value that is an integer. */
    long integer() {
        int first = bytes[valueBegin];
        if (at == valueBegin + 1) {
            return first;
        }
        boolean isSigned = (first & 0xff) >= 0xd0;
        long number = isSigned ? bytes[valueBegin + 1] : bytes[valueBegin + 1] & 0xff;
        for (int i = valueBegin + 2; i < at; i++) {
            number = (number << Byte.SIZE) | (bytes[i] & 0xff);
        }
        return number;
    }
}
