package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.VolumeNames;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The names of volumes: that of the dataset, and before it for a linked clone that of its base image. */
final class ZfsNames {
    /** The snapshot of a base image from which clones are made. */
    static final String BASE_SNAPSHOT = "__base__";

    /** What ZFS takes, but for the blank. */
    private static final String WORD = "[A-Za-z0-9_.:-]+";

    private static final Pattern VOLUME = Pattern.compile("(?:(?<base>(?:base|basevol)-(?<owner>[0-9]+)-" + WORD
            + ")/)?(?<name>(?<kind>vm|base|subvol|basevol)-(?<guest>[0-9]+)-" + WORD + ")");
    private static final Pattern SNAPSHOT = Pattern.compile(WORD);

    private static final String BEFORE = "(?:(?:base|basevol)-[0-9]+-" + WORD + "/)?";

    private ZfsNames() {}

    /** For hosts without the plugin. */
    static List<NamePattern> patterns() {
        return List.of(pattern("vm", false), pattern("base", true), pattern("subvol", false), pattern("basevol", true));
    }

    private static NamePattern pattern(String kind, boolean isBase) {
        return new NamePattern(
                Pattern.compile(BEFORE + "(?<name>" + kind + "-(?<guest>[0-9]+)-" + WORD + ")"),
                ContentType.IMAGES,
                isBase,
                kind.endsWith("vol") ? Format.Image.SUBVOL : Format.Image.RAW);
    }

    /**
     * What a name says.
     *
     * @throws StorageException {@code INVALID_NAME}
     */
    static ParsedVolume.GuestImage parse(VolumeName volume) {
        return find(volume.value())
                .orElseThrow(() -> StorageException.refused(
                        StorageError.INVALID_NAME, "unable to parse zfs volume name " + Quoted.of(volume.value())));
    }

    /** As {@link #parse}, empty where that refuses. */
    static Optional<ParsedVolume.GuestImage> find(String volume) {
        Matcher matcher = VOLUME.matcher(volume);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        Optional<Vmid> guest = VolumeNames.vmid(matcher.group("guest"));
        String base = matcher.group("base");
        Optional<Vmid> owner = base == null ? Optional.empty() : VolumeNames.vmid(matcher.group("owner"));
        if (guest.isEmpty() || (base != null && owner.isEmpty())) {
            return Optional.empty();
        }
        String kind = matcher.group("kind");
        return Optional.of(new ParsedVolume.GuestImage(
                matcher.group("name"),
                guest.get(),
                base == null ? null : new ParsedVolume.Base(base, owner.get()),
                kind.startsWith("base"),
                kind.endsWith("vol") ? Format.Image.SUBVOL : Format.Image.RAW));
    }

    /**
     * The image that a dataset of a storage is, with its base; empty if it is none. A file system that is called like a disk, or
     * a volume like a directory, is none.
     *
     * @param place the dataset of the storage
     */
    static Optional<ParsedVolume.GuestImage> image(Dataset dataset, String place) {
        String name = dataset.nameIn(place);
        if (name == null) {
            return Optional.empty();
        }
        String origin = dataset.origin();
        String before = place + "/";
        String after = "@" + BASE_SNAPSHOT;
        String base = origin != null && origin.startsWith(before) && origin.endsWith(after)
                ? origin.substring(before.length(), origin.length() - after.length()) + "/"
                : "";
        return find(base + name).or(() -> find(name)).filter(image -> image.format() == dataset.format());
    }

    /** The volume that an image is. */
    static VolumeName volume(ParsedVolume.GuestImage image) {
        return volume(image, image.name());
    }

    /** The volume that an image is under another name. */
    static VolumeName volume(ParsedVolume.GuestImage image, String name) {
        ParsedVolume.Base base = image.base();
        return new VolumeName(base == null ? name : base.name() + "/" + name);
    }

    /**
     * Refuses what is no name of a snapshot of ZFS: some letters would make a list or a range of it.
     *
     * @throws StorageException {@code INVALID_NAME}
     */
    static String snapshot(SnapshotName snapshot) {
        if (!SNAPSHOT.matcher(snapshot.value()).matches()) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "no snapshot of ZFS can be called " + Quoted.of(snapshot.value())
                            + ": it has letters, digits, and '_', '.', ':' and '-'");
        }
        return snapshot.value();
    }
}
