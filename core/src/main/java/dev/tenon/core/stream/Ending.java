package dev.tenon.core.stream;

/** How to tell whether a stream has ended where it should. */
enum Ending {
    /** Its first eight bytes tell the length of the rest. */
    LENGTH,
    /** It ends in zeroes, as a tar archive does. */
    ZEROES,
    /** Nothing tells. */
    ANYWHERE;

    private static final int SECTOR = 512;
    private static final int ARCHIVE_END = 1024;

    static Ending of(String format) {
        return switch (format) {
            case "raw+size" -> LENGTH;
            case "tar+size" -> ZEROES;
            default -> ANYWHERE;
        };
    }

    /** A size of whole sectors may have been rounded up to them, as PVE does. */
    static boolean isTooShort(long got, long told) {
        long missing = told - got;
        return missing > 0 && (missing >= SECTOR || told % SECTOR != 0);
    }

    /** Whether an archive that ends in so many zeroes is whole. */
    static boolean isArchiveEnd(long zeroes) {
        return zeroes >= ARCHIVE_END;
    }
}
