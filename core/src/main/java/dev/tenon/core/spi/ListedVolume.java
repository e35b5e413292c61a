package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * An entry of {@code list_volumes}.
 *
 * @param volume what an image listing says
 * @param content what kind of volume it is
 * @param subtype for a backup {@code qemu}, {@code lxc}, {@code openvz} or {@code unknown}; null otherwise
 * @param notes the first line of a backup's notes, null if there are none
 * @param protection whether a backup must not be removed; null, meaning no, if the storage says nothing
 */
public record ListedVolume(
        VolumeInfo volume,
        ContentType content,
        @Nullable String subtype,
        @Nullable String notes,
        @Nullable Boolean protection) {

    /** A volume that is not protected says nothing, as in PVE's own listings. */
    public ListedVolume(
            VolumeInfo volume,
            ContentType content,
            @Nullable String subtype,
            @Nullable String notes,
            boolean isProtected) {
        this(volume, content, subtype, notes, isProtected ? (Boolean) true : null);
    }

    public boolean isProtected() {
        return Boolean.TRUE.equals(protection);
    }
}
