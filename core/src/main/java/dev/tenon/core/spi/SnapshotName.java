package dev.tenon.core.spi;

/** The name of a snapshot of a volume; not empty, no slash, no control character. */
public record SnapshotName(String value) {
    public SnapshotName {
        if (value.isEmpty()
                || value.startsWith("-")
                || value.chars().anyMatch(c -> c == '/' || Character.isISOControl(c))) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME, "snapshot name " + Quoted.of(value) + " contains illegal characters");
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
