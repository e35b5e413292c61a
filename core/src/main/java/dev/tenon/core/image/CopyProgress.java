package dev.tenon.core.image;

/** Is told how far a copy has come. It runs in the copying thread; what it throws ends the copy. */
@FunctionalInterface
public interface CopyProgress {
    CopyProgress NONE = (done, total) -> {};

    /**
     * Called from time to time, and at the end with both equal.
     *
     * @param done bytes of the file that are done, holes included
     * @param total size of the file in bytes
     */
    void copied(long done, long total);
}
