package dev.tenon.core.spi;

import java.util.List;
import java.util.Locale;

/** A number of bytes, 0 or more. PVE counts in KiB when it allocates and in bytes everywhere else; here it is always bytes. */
public record ByteSize(long bytes) implements Comparable<ByteSize> {
    private static final List<String> UNITS = List.of("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB");
    private static final int STEP = 1024;

    /** A larger value would be rounded up to 1024, which is 1 of the next unit. */
    private static final double LARGEST_SHOWN = 1023.995;

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

    /** For people, with two decimals, for instance {@code 1.50 GiB}. */
    public String shown() {
        return shown((double) bytes);
    }

    /** The same for a number of bytes that need not be whole, such as bytes per second; 0 or more. */
    public static String shown(double bytes) {
        if (bytes < STEP) {
            return (long) bytes + " B";
        }
        double value = bytes;
        int power = 0;
        while (value >= LARGEST_SHOWN && power < UNITS.size() - 1) {
            value /= STEP;
            power++;
        }
        return String.format(Locale.ROOT, "%.2f %s", value, UNITS.get(power));
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
