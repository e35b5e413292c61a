package dev.tenon.core.spi;

/**
 * Work that {@code free_image} leaves until the storage's lock is released, such as overwriting the volume's old data.
 * Whoever receives it runs it once, at any time; it takes the locks that it needs itself.
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
