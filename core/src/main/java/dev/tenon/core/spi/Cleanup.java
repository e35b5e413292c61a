package dev.tenon.core.spi;

/**
 * Work that {@code free_image} leaves for after the storage's lock is released, such as overwriting what was on the
 * volume. Whoever gets one runs it once, in its own time; it takes the locks that it needs itself.
 */
@FunctionalInterface
public interface Cleanup {
    /**
     * Does the work; may take hours.
     *
     * @throws StorageException if it fails
     */
    void run();
}
