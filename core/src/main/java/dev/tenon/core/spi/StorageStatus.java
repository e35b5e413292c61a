package dev.tenon.core.spi;

/** The answer of {@code status}. */
public sealed interface StorageStatus {
    /**
     * The storage can be used.
     *
     * @param available what may still be written; may be less than {@code total - used}, where room is reserved
     */
    record Active(ByteSize total, ByteSize available, ByteSize used) implements StorageStatus {}

    /** The storage cannot be used now. */
    record Inactive() implements StorageStatus {}
}
