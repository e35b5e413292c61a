package dev.tenon.core.spi.backup;

import java.util.Arrays;
import java.util.Optional;

/** What a guest is. */
public enum GuestType {
    /** A virtual machine. */
    QEMU("qemu"),
    /** A container. */
    LXC("lxc");

    private final String word;

    GuestType(String word) {
        this.word = word;
    }

    /** PVE's word. */
    public String word() {
        return word;
    }

    public static Optional<GuestType> ofWord(String word) {
        return Arrays.stream(values()).filter(type -> type.word.equals(word)).findFirst();
    }
}
