package dev.tenon.core.spi;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An entry of a listing.
 *
 * @param volid the full volume id
 * @param format the image format; {@code invalid} if the file does not have the format its name promises
 * @param size virtual size, null if not known; 0 for a subvolume without a quota
 * @param owner the guest it belongs to, null if not known
 * @param used bytes allocated on the storage, null if not known
 * @param parent name or path of the base image, null if there is none
 * @param ctime seconds since 1970 of the last change of the inode, null if not known
 * @param other what a plugin reports beyond this, as text, lists and maps; never null, usually empty
 * @param blank names that the plugin mentions without a value, which in Perl are keys whose value is undef
 */
public record VolumeInfo(
        VolumeId volid,
        Format format,
        @Nullable ByteSize size,
        @Nullable Vmid owner,
        @Nullable ByteSize used,
        @Nullable String parent,
        @Nullable Long ctime,
        Map<String, Object> other,
        Set<String> blank) {
    public VolumeInfo {
        other = Map.copyOf(other);
        blank = Set.copyOf(blank);
    }

    /** An entry without such names. */
    public VolumeInfo(
            VolumeId volid,
            Format format,
            @Nullable ByteSize size,
            @Nullable Vmid owner,
            @Nullable ByteSize used,
            @Nullable String parent,
            @Nullable Long ctime,
            Map<String, Object> other) {
        this(volid, format, size, owner, used, parent, ctime, other, Set.of());
    }

    /** The same entry with these reports in place of its others. */
    public VolumeInfo withOther(Map<String, Object> reports) {
        return new VolumeInfo(volid, format, size, owner, used, parent, ctime, reports, blank);
    }
}
