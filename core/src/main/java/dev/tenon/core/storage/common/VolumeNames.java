package dev.tenon.core.storage.common;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The grammar of volume names of storages that are directories. */
public final class VolumeNames {
    /** PVE does not look into directories with one digit. */
    private static final Pattern GUEST_DIRECTORY = Pattern.compile("[0-9]{2,}");

    private static final String FORMATS = "(raw|qcow2|vmdk|subvol)";
    private static final Pattern GUEST_IMAGE = Pattern.compile("(vm-|base-|subvol-)\\d+-[^/\\s]+\\." + FORMATS);
    private static final Pattern SNAPSHOT = Pattern.compile("snap-.*\\.qcow2");
    private static final Pattern FREE_IMAGE = Pattern.compile("(base-)?[^/\\s]+\\." + FORMATS);
    private static final String BASE_PREFIX = "base-";

    private static final Pattern CLONE = Pattern.compile("(\\d+)/(\\S+)/(\\d+)/(\\S+)");
    private static final Pattern IMAGE = Pattern.compile("(\\d+)/(\\S+)");
    private static final Pattern ISO = Pattern.compile("iso/([^/]+\\.(?i:iso|img))");
    private static final Pattern TEMPLATE = Pattern.compile("vztmpl/([^/]+\\.(?i:tar|tar\\.(?:gz|xz|zst|bz2)))");
    private static final Pattern BACKUP =
            Pattern.compile("backup/([^/]+\\.(?:tgz|(?:tar|vma)(?:\\.(?:gz|lzo|zst|bz2))?))");
    private static final Pattern BACKUP_OF_GUEST = Pattern.compile("vzdump-(?:openvz|lxc|qemu)-(\\d+)-.+");
    private static final Pattern SNIPPET = Pattern.compile("snippets/([^/]+)");
    private static final String IMPORT_NAME = "[ A-Za-z0-9\\-.+=_]+";
    private static final Pattern PACKED_IMPORT =
            Pattern.compile("import/(" + IMPORT_NAME + "\\.ova/" + IMPORT_NAME + "\\.(qcow2|raw|vmdk))");
    private static final Pattern IMPORT = Pattern.compile("import/(" + IMPORT_NAME + "\\.(ova|ovf|qcow2|raw|vmdk))");

    private VolumeNames() {}

    public static ParsedVolume parse(VolumeName volume) {
        String text = volume.value();
        Matcher clone = CLONE.matcher(text);
        if (clone.matches()) {
            ImageName base = ImageName.parse(clone.group(2));
            ImageName image = ImageName.parse(clone.group(4));
            return new ParsedVolume.GuestImage(
                    image.name(),
                    vmid(clone.group(3), text),
                    new ParsedVolume.Base(base.name(), vmid(clone.group(1), text)),
                    image.isBase(),
                    image.format());
        }
        Matcher image = IMAGE.matcher(text);
        if (image.matches()) {
            ImageName name = ImageName.parse(image.group(2));
            return new ParsedVolume.GuestImage(
                    name.name(), vmid(image.group(1), text), null, name.isBase(), name.format());
        }
        return parseContent(text);
    }

    private static ParsedVolume parseContent(String text) {
        Matcher iso = ISO.matcher(text);
        if (iso.matches()) {
            return raw(ContentType.ISO, iso.group(1), null);
        }
        Matcher template = TEMPLATE.matcher(text);
        if (template.matches()) {
            return raw(ContentType.VZTMPL, template.group(1), null);
        }
        Matcher backup = BACKUP.matcher(text);
        if (backup.matches()) {
            Matcher guest = BACKUP_OF_GUEST.matcher(backup.group(1));
            return raw(ContentType.BACKUP, backup.group(1), guest.matches() ? vmid(guest.group(1), text) : null);
        }
        Matcher snippet = SNIPPET.matcher(text);
        if (snippet.matches()) {
            return raw(ContentType.SNIPPETS, snippet.group(1), null);
        }
        Matcher packed = PACKED_IMPORT.matcher(text);
        if (packed.matches()) {
            return new ParsedVolume.Content(
                    ContentType.IMPORT, packed.group(1), null, Format.ofWord("ova+" + packed.group(2)));
        }
        Matcher plainImport = IMPORT.matcher(text);
        if (plainImport.matches()) {
            return new ParsedVolume.Content(
                    ContentType.IMPORT, plainImport.group(1), null, Format.ofWord(plainImport.group(2)));
        }
        throw unparsable(text);
    }

    private static ParsedVolume raw(ContentType type, String name, @Nullable Vmid owner) {
        return new ParsedVolume.Content(type, name, owner, Format.Image.RAW);
    }

    /** A number with leading zeros is refused: it would name the directory of another guest's number. */
    private static Vmid vmid(String digits, String volume) {
        return vmid(digits).orElseThrow(() -> unparsable(volume));
    }

    /** Whether images of a guest are in a directory of this name, which need not be a number that a guest can have. */
    public static boolean isGuestDirectory(String name) {
        return GUEST_DIRECTORY.matcher(name).matches();
    }

    /** The guest with this number, empty if no guest can have it or it is not written the usual way. */
    public static Optional<Vmid> vmid(String digits) {
        if (!digits.matches("0|[1-9][0-9]{0,8}")) {
            return Optional.empty();
        }
        return Optional.of(new Vmid(Long.parseLong(digits)));
    }

    /**
     * Refuses a new image that would never be listed.
     *
     * @throws StorageException {@code INVALID_NAME}
     */
    public static void refuseUnlisted(Vmid owner, String fileName) {
        if (!isGuestDirectory(owner.toString())) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "no guest has the number " + owner + ": PVE lists no image of a guest below 10, and its guests"
                            + " begin at 100");
        }
        if (fileName.startsWith(".")) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "illegal name " + Quoted.of(fileName) + " - a file whose name begins with a dot is not listed");
        }
    }

    private static StorageException unparsable(String volume) {
        return StorageException.refused(
                StorageError.INVALID_NAME, "unable to parse directory volume name " + Quoted.of(volume));
    }

    /**
     * The file name of a guest's image.
     *
     * @param isBase whether clones are made from it
     */
    public record ImageName(String name, Format.Image format, boolean isBase) {
        public static ImageName parse(String name) {
            Matcher guestImage = GUEST_IMAGE.matcher(name);
            if (guestImage.matches()) {
                return new ImageName(
                        name, format(guestImage.group(2)), guestImage.group(1).equals(BASE_PREFIX));
            }
            if (SNAPSHOT.matcher(name).matches()) {
                throw StorageException.refused(
                        StorageError.INVALID_NAME, Quoted.of(name) + " is a snapshot filename, not a volume!");
            }
            Matcher free = FREE_IMAGE.matcher(name);
            if (free.matches()) {
                return new ImageName(name, format(free.group(2)), free.group(1) != null);
            }
            throw StorageException.refused(
                    StorageError.INVALID_NAME, "unable to parse volume filename " + Quoted.of(name));
        }

        /** As {@link #parse}, empty where that refuses. */
        public static Optional<ImageName> find(String name) {
            if (SNAPSHOT.matcher(name).matches() || !FREE_IMAGE.matcher(name).matches()) {
                return Optional.empty();
            }
            return Optional.of(parse(name));
        }

        private static Format.Image format(String word) {
            return Format.Image.ofWord(word).orElseThrow();
        }
    }
}
