package dev.tenon.core.spi;

import java.util.regex.Pattern;

/**
 * The id of a configured storage (PVE's {@code storeid}): at least two characters, a letter first, then letters, digits,
 * {@code - _ .}, a letter or digit last. Any other text is refused with {@code BAD_PARAMETER}.
 */
public record StorageId(String value) {
    private static final Pattern SHAPE = Pattern.compile("[A-Za-z][A-Za-z0-9\\-_.]*[A-Za-z0-9]");

    public StorageId {
        if (value.length() < 2) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "storage ID " + Quoted.of(value) + " cannot be shorter than 2 characters");
        }
        if (!SHAPE.matcher(value).matches()) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "storage ID " + Quoted.of(value) + " contains illegal characters");
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
