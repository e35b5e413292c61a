package dev.tenon.core.backup.repository;

/** What a chunk is; its number is in the pack. */
enum ChunkKind {
    /** Bytes of a disk or of a file. */
    DATA(1),
    /** A leaf of a table: ids of chunks. */
    TABLE(2),
    /** Entries of a container's tree. */
    TREE(3),
    /** Pieces of a long file. */
    LIST(4);

    private final int number;

    ChunkKind(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static ChunkKind of(int number, String where) throws BadRepositoryException {
        for (ChunkKind kind : values()) {
            if (kind.number == number) {
                return kind;
            }
        }
        throw new BadRepositoryException(
                where + " has a chunk of kind " + number + ", which this version does not know; use a newer one");
    }
}
