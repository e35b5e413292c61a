package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.VolumeNames;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The names of volumes: that of the image, and before it for a linked clone that of its base image. */
final class RbdNames {
    /** The snapshot of a base image from which clones are made. */
    static final String BASE_SNAPSHOT = "__base__";

    /** Nothing in it separates parts of names, neither in Ceph nor in QEMU. */
    private static final String REST = "-[^\\x00-\\x20\\x7f/@:\\\\]+";

    private static final String CLONED = "(?:(?<base>base-(?<owner>[0-9]+)" + REST + ")/)?";
    private static final Pattern VOLUME =
            Pattern.compile(CLONED + "(?<name>(?<kind>vm|base)-(?<guest>[0-9]+)" + REST + ")");

    private static final String BEFORE = "(?:base-[0-9]+" + REST + "/)?";
    private static final NamePattern IMAGES = new NamePattern(
            Pattern.compile(BEFORE + "(?<name>vm-(?<guest>[0-9]+)" + REST + ")"), ContentType.IMAGES, false);
    private static final NamePattern BASES = new NamePattern(
            Pattern.compile(BEFORE + "(?<name>base-(?<guest>[0-9]+)" + REST + ")"), ContentType.IMAGES, true);

    private RbdNames() {}

    /** For hosts without the plugin. */
    static List<NamePattern> patterns() {
        return List.of(IMAGES, BASES);
    }

    /**
     * What a name says.
     *
     * @throws StorageException {@code INVALID_NAME}
     */
    static ParsedVolume.GuestImage parse(VolumeName volume) {
        return find(volume.value())
                .orElseThrow(() -> StorageException.refused(
                        StorageError.INVALID_NAME, "unable to parse rbd volume name " + Quoted.of(volume.value())));
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
        return Optional.of(new ParsedVolume.GuestImage(
                matcher.group("name"),
                guest.get(),
                base == null ? null : new ParsedVolume.Base(base, owner.get()),
                matcher.group("kind").equals("base"),
                Format.Image.RAW));
    }

    /** The volume that an image is. */
    static VolumeName volume(Image image) {
        String base = image.base();
        return new VolumeName(base == null ? image.name() : base + "/" + image.name());
    }
}
