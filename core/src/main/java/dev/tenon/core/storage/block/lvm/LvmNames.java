package dev.tenon.core.storage.block.lvm;

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

/**
 * The names of a type's volumes, which are names of LVM and tell the guest.
 *
 * @param image matches those of images
 * @param base matches those of base images; null if there are none
 * @param hasFormats whether an ending tells the format
 */
record LvmNames(Pattern image, Pattern base, boolean hasFormats) {
    private static final String REST = "-(?<guest>[0-9]+)-[A-Za-z0-9_.\\-]*[A-Za-z0-9]";
    private static final Pattern LEGAL = Pattern.compile("(?i)[a-z0-9][a-z0-9\\-_.]*[a-z0-9]");
    private static final Pattern NEVER = Pattern.compile("(?!)");

    static final LvmNames THICK = new LvmNames(Pattern.compile("vm" + REST), NEVER, true);
    static final LvmNames THIN = new LvmNames(Pattern.compile("vm" + REST), Pattern.compile("base" + REST), false);

    /** For hosts without the plugin. */
    List<NamePattern> patterns() {
        NamePattern images = new NamePattern(image, ContentType.IMAGES, false);
        return base == NEVER ? List.of(images) : List.of(images, new NamePattern(base, ContentType.IMAGES, true));
    }

    /**
     * What a name says.
     *
     * @throws StorageException {@code INVALID_NAME}
     */
    ParsedVolume.GuestImage parse(VolumeName volume) {
        String name = volume.value();
        if (!LEGAL.matcher(name).matches()) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME, "lvm name " + Quoted.of(name) + " contains illegal characters");
        }
        return find(name)
                .orElseThrow(() -> StorageException.refused(
                        StorageError.INVALID_NAME, "unable to parse lvm volume name " + Quoted.of(name)));
    }

    /** As {@link #parse}, empty where that refuses. */
    Optional<ParsedVolume.GuestImage> find(String name) {
        return find(image, false, name).or(() -> find(base, true, name));
    }

    private Optional<ParsedVolume.GuestImage> find(Pattern pattern, boolean isBase, String name) {
        Matcher matcher = pattern.matcher(name);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        Optional<Vmid> owner = VolumeNames.vmid(matcher.group("guest"));
        Format format = hasFormats && name.endsWith(Chain.SUFFIX) ? Format.Image.QCOW2 : Format.Image.RAW;
        return owner.map(guest -> new ParsedVolume.GuestImage(name, guest, null, isBase, format));
    }
}
