package dev.tenon.libvirt;

/**
 * What is at a path (the proposal's {@code virStorageStatBuffer}).
 *
 * @param size bytes; of a block device too, and of a directory what its file system says
 */
public record VirStorageStat(Type type, long size) {
    /** The proposal's {@code VIR_STORAGE_STAT_BUFFER_TYPE_...}. */
    public enum Type {
        BLOCK(1),
        FILE(2),
        DIR(3);

        private final int number;

        Type(int number) {
            this.number = number;
        }

        /** The proposal's number for it. */
        public int number() {
            return number;
        }
    }
}
