package dev.tenon.core.spi;

/** A number of bytes, 0 or more. PVE counts in KiB when it allocates and in bytes everywhere else; here it is always bytes. */
public record ByteSize(long bytes) implements Comparable<ByteSize> {
    public ByteSize {
        if (bytes < 0) {
            throw StorageException.refused(StorageError.BAD_PARAMETER, "size " + bytes + " is negative");
        }
    }

    public static ByteSize ofBytes(long bytes) {
        return new ByteSize(bytes);
    }

    /**
     * This many KiB.
     *
     * @throws StorageException {@code BAD_PARAMETER} if the size in bytes does not fit into 63 bits
     */
    public static ByteSize ofKib(long kib) {
        if (kib > Long.MAX_VALUE / 1024) {
            throw StorageException.refused(StorageError.BAD_PARAMETER, "size " + kib + " KiB is too large");
        }
        return new ByteSize(kib * 1024);
    }

    /** This size in KiB, rounded up. */
    public long kibRoundedUp() {
        return bytes / 1024 + (bytes % 1024 == 0 ? 0 : 1);
    }

    @Override
    public int compareTo(ByteSize other) {
        return Long.compare(bytes, other.bytes);
    }

    @Override
    public String toString() {
        return bytes + " B";
    }
}
