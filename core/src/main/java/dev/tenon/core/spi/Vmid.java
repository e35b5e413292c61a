package dev.tenon.core.spi;

/**
 * The number of a guest (PVE's {@code vmid}). Guests are numbered from 100 to 999999999; 0 to 99 are accepted too,
 * because storages list volumes that belong to no guest under such numbers.
 */
public record Vmid(long value) {
    public Vmid {
        if (value < 0 || value > 999_999_999) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "VMID " + value + " is not between 0 and 999999999: value does not look like a valid VM ID");
        }
    }

    @Override
    public String toString() {
        return Long.toString(value);
    }
}
