package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/** The answer of {@code status}. */
public sealed interface StorageStatus {
    /**
     * The storage can be used.
     *
     * @param available what may still be written; may be less than {@code total - used}, where room is reserved
     */
    record Active(ByteSize total, ByteSize available, ByteSize used) implements StorageStatus {}

    /**
     * The storage cannot be used now. Most plugins say nothing more then, some say sizes all the same.
     *
     * @param total null if nothing is said, as the others
     */
    record Inactive(
            @Nullable ByteSize total,
            @Nullable ByteSize available,
            @Nullable ByteSize used) implements StorageStatus {
        public Inactive() {
            this(null, null, null);
        }
    }
}
