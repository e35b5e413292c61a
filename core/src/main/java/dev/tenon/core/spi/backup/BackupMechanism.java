package dev.tenon.core.spi.backup;

import java.util.Arrays;
import java.util.Optional;

/** How a provider gets a guest's data. */
public enum BackupMechanism {
    /** Each disk of a VM over NBD: {@link DiskAccess.Nbd}. */
    NBD("nbd"),
    /** Each disk of a VM as an open file: {@link DiskAccess.FileHandle}. */
    FILE_HANDLE("file-handle"),
    /** The files of a container as a directory: {@link ContainerTree}. */
    DIRECTORY("directory");

    private final String word;

    BackupMechanism(String word) {
        this.word = word;
    }

    /** PVE's word. */
    public String word() {
        return word;
    }

    public static Optional<BackupMechanism> ofWord(String word) {
        return Arrays.stream(values()).filter(each -> each.word.equals(word)).findFirst();
    }

    /** Whether guests of this type can be read this way. */
    public boolean fits(GuestType type) {
        return (this == DIRECTORY) == (type == GuestType.LXC);
    }
}
