package dev.tenon.core.spi.backup;

import java.util.Arrays;
import java.util.Optional;

/** How an archive is restored, which also tells what kind of guest it holds. */
public enum RestoreMechanism {
    /** The host copies each disk of a VM from a path. */
    QEMU_IMG("qemu-img", GuestType.QEMU),
    /** The host unpacks a tar file. */
    TAR("tar", GuestType.LXC),
    /** The host copies a directory. */
    DIRECTORY("directory", GuestType.LXC);

    private final String word;
    private final GuestType guest;

    RestoreMechanism(String word, GuestType guest) {
        this.word = word;
        this.guest = guest;
    }

    /** PVE's word. */
    public String word() {
        return word;
    }

    /** What kind of guest the archive is of. */
    public GuestType guest() {
        return guest;
    }

    public static Optional<RestoreMechanism> ofWord(String word) {
        return Arrays.stream(values()).filter(each -> each.word.equals(word)).findFirst();
    }
}
