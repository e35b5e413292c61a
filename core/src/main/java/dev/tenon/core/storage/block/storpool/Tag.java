package dev.tenon.core.storage.block.storpool;

import java.util.regex.Pattern;

/** The tags that say which volume of PVE an object of StorPool is (guidelines, "Volume and snapshot tags"). */
enum Tag {
    /** Always {@code pve}. */
    VIRT("virt"),
    /** The name of the PVE cluster, which several PVE clusters on one StorPool are told apart by. */
    LOCATION("pve-loc"),
    /** The id of the storage. */
    STORAGE("pve"),
    /** The kind of content: {@code images}, {@code rootdir} or {@code iso}. */
    TYPE("pve-type"),
    /** The number of the guest. */
    GUEST("pve-vm"),
    /** The number of the disk, or {@code state} or {@code cloudinit}. */
    DISK("pve-disk"),
    /** {@code 1} on the disk of a template; clones say {@code 0}. */
    BASE("pve-base"),
    COMMENT("pve-comment"),
    /** The name of the snapshot. */
    SNAPSHOT("pve-snap"),
    /** The global id of the volume that a snapshot is of. */
    SNAPSHOT_OF("pve-snap-v");

    static final String PVE = "pve";

    /** The longest name and value, in characters; each must be shorter than 200. */
    static final int LONGEST = 199;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_\\-.:]+");
    private static final Pattern VALUE = Pattern.compile("[A-Za-z0-9_\\-.:]*");

    private final String word;

    Tag(String word) {
        this.word = word;
    }

    /** StorPool's word for it. */
    String word() {
        return word;
    }

    /** Whether the API takes a tag of this name. */
    static boolean isName(String text) {
        return text.length() <= LONGEST && NAME.matcher(text).matches();
    }

    /** Whether the API takes this value; an empty one removes the tag. */
    static boolean isValue(String text) {
        return text.length() <= LONGEST && VALUE.matcher(text).matches();
    }
}
