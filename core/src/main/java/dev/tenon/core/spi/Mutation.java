package dev.tenon.core.spi;

import java.util.Arrays;
import java.util.Optional;

/**
 * The operations that change a storage, as they are written down. Their words are on disks and stay as they are, whatever
 * the methods of {@link StoragePlugin} are called.
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

    /** The word on the disk, which people read too. */
    public String word() {
        return word;
    }

    /** Empty if this build does not know the word: another one wrote it. */
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
