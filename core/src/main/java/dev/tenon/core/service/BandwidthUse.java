package dev.tenon.core.service;

import java.util.Locale;

/** What a bandwidth limit is about (the words of PVE's {@code bwlimit}). */
public enum BandwidthUse {
    CLONE,
    MIGRATION,
    MOVE,
    RESTORE;

    /** PVE's word, for instance {@code clone}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
