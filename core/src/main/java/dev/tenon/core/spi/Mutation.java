package dev.tenon.core.spi;

import java.util.Arrays;
import java.util.Optional;

/**
 * The operations that change a storage, as the journal records them. Their words are stored on disks and never change,
 * whatever the methods of {@link StoragePlugin} are called.
 */
public enum Mutation {
    ALLOC_IMAGE("allocImage"),
    FREE_IMAGE("freeImage"),
    CREATE_BASE("createBase"),
    CLONE_IMAGE("cloneImage"),
    RENAME_VOLUME("renameVolume"),
    RESIZE_VOLUME("resizeVolume"),
    SNAPSHOT_VOLUME("snapshotVolume"),
    ROLLBACK("rollback"),
    DELETE_SNAPSHOT("deleteSnapshot"),
    RENAME_SNAPSHOT("renameSnapshot"),
    UPDATE_ATTRIBUTE("updateAttribute"),
    IMPORT_VOLUME("importVolume"),
    PRUNE_BACKUPS("pruneBackups");

    private final String word;

    Mutation(String word) {
        this.word = word;
    }

    /** The word on the disk, which people also read. */
    public String word() {
        return word;
    }

    /** The operation with this word; empty if this build does not know it because another build wrote it. */
    public static Optional<Mutation> ofWord(String word) {
        return Arrays.stream(values())
                .filter(mutation -> mutation.word.equals(word))
                .findFirst();
    }

    @Override
    public String toString() {
        return word;
    }
}
