package dev.tenon.core.spi;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An entry of a listing.
 *
 * @param volid the full volume id
 * @param format the image format; {@code invalid} if the file is not of the format its name promises
 * @param size virtual size, null if it is not known; 0 for a subvolume without a quota
 * @param owner the guest it belongs to, null if none is known
 * @param used bytes allocated on the storage, null if not known
 * @param parent name or path of the base image, null if there is none
 * @param ctime seconds since 1970 of the last change of the inode, null if not known
 * @param other what a plugin reports beyond this, as text, lists and maps; never null, mostly empty
 */
public record VolumeInfo(
        VolumeId volid,
        Format format,
        @Nullable ByteSize size,
        @Nullable Vmid owner,
        @Nullable ByteSize used,
        @Nullable String parent,
        @Nullable Long ctime,
        Map<String, Object> other) {
    public VolumeInfo {
        other = Map.copyOf(other);
    }
}
