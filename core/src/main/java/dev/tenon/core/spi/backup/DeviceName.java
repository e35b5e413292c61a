package dev.tenon.core.spi.backup;

import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.regex.Pattern;

/**
 * The name of a VM's disk, for instance {@code drive-scsi0}: 1 to 63 letters, digits, {@code _}, {@code -} and {@code .},
 * the first a letter or digit. Other text is refused with {@code INVALID_NAME}.
 */
public record DeviceName(String value) implements Comparable<DeviceName> {
    private static final Pattern GRAMMAR = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,62}");

    public DeviceName {
        if (!GRAMMAR.matcher(value).matches()) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "the device name " + Quoted.of(value)
                            + " is not made of 1 to 63 letters, digits, '_', '-' and '.', the first a letter or digit");
        }
    }

    @Override
    public int compareTo(DeviceName other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
