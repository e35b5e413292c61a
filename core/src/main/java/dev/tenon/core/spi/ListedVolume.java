package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * An entry of {@code list_volumes}.
 *
 * @param volume what an image listing tells
 * @param content what kind of volume it is
 * @param subtype for a backup {@code qemu}, {@code lxc}, {@code openvz} or {@code unknown}; null otherwise
 * @param notes the first line of a backup's notes, null if there are none
 * @param isProtected whether a backup must not be removed
 */
public record ListedVolume(
        VolumeInfo volume,
        ContentType content,
        @Nullable String subtype,
        @Nullable String notes,
        boolean isProtected) {}
