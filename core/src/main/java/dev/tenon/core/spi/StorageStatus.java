package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/** The answer of {@code status}. */
public sealed interface StorageStatus {
    /**
     * The storage can be used.
     *
     * @param available what may still be written; less than {@code total - used} if room is reserved
     */
    record Active(ByteSize total, ByteSize available, ByteSize used) implements StorageStatus {}

    /**
     * The storage cannot be used now. Most plugins then say nothing more; some still give sizes.
     *
     * @param total null if not given, like the others
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
