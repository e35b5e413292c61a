package dev.tenon.core.spi;

/**
 * The id of a configured storage (PVE's {@code storeid}): at least two characters, a letter first, then letters, digits,
 * {@code - _ .}, a letter or digit last. Any other text is refused with {@code BAD_PARAMETER}.
 */
public record StorageId(String value) {
    public StorageId {
        if (value.length() < 2) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "storage ID " + Quoted.of(value) + " cannot be shorter than 2 characters");
        }
        if (!isWellFormed(value, value.length())) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "storage ID " + Quoted.of(value) + " contains illegal characters");
        }
    }

    /** Whether the first characters of a text are an id, if there are two of them. Asked for each name of a long list. */
    static boolean isWellFormed(String text, int length) {
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            boolean isLetter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            boolean isGood = isLetter
                    || (i > 0 && c >= '0' && c <= '9')
                    || (i > 0 && i < length - 1 && (c == '-' || c == '_' || c == '.'));
            if (!isGood) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return value;
    }
}
