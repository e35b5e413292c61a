package dev.tenon.it.sidebyside;

import org.jspecify.annotations.Nullable;

/**
 * An entry of a listing, without the time of the last change.
 *
 * @param used -1 if the type does not tell
 */
record Listed(
        String volid,
        String format,
        long size,
        String owner,
        long used,
        @Nullable String parent) {
    /** The directory of its guest and its file there, or its name if it is in no directory. */
    String file() {
        return file(volid);
    }

    /** The same of any id. */
    static String file(String volid) {
        String[] parts = volid.substring(volid.indexOf(':') + 1).split("/", -1);
        return parts.length < 2 ? parts[0] : parts[parts.length - 2] + "/" + parts[parts.length - 1];
    }

    /** The same, with this much allocated. */
    Listed using(long allocated) {
        return new Listed(volid, format, size, owner, allocated, parent);
    }

    /** Whether it is a base image. */
    boolean isBase() {
        return ("/" + file()).contains("/base-");
    }

    boolean isDirectory() {
        return format.equals("subvol");
    }
}
