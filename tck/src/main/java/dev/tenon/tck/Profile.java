package dev.tenon.tck;

import java.util.Locale;

/** A part of the contract that can be checked by itself. */
public enum Profile {
    /** What every plugin is asked: what it is, its configuration, names, volumes, lists, renaming, notes. */
    CORE,
    /** Snapshots, and the way back to them. */
    SNAPSHOTS,
    /** Base images and their linked clones. */
    CLONES,
    /** Volumes that leave and arrive. */
    STREAMS,
    /** What a guest sees: volumes that are activated, opened and made larger. */
    BLOCKS,
    /** The provider that backs up and restores guests, if the plugin gives one. */
    BACKUP;

    /** As people write it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
