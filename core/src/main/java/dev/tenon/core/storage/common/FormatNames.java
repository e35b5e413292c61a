package dev.tenon.core.storage.common;

import static dev.tenon.core.spi.Format.Image.QCOW2;
import static dev.tenon.core.spi.Format.Image.RAW;
import static dev.tenon.core.spi.Format.Image.SUBVOL;
import static dev.tenon.core.spi.Format.Image.VMDK;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How the names of a type's images tell their formats, and which name stands for a wanted one that does not fit: what
 * PVE's storage types say since API level 16. Names are bare: without the guest's directory, the base image and the
 * storage. Nothing here touches a storage.
 *
 * @param extensions what a name of each format ends in, without the dot, empty for nothing; the type has no other formats
 * @param parser tells the format of a name
 * @param namer gives a name another format
 * @param neverAdapts whether a name that does not fit is refused even where it could be adapted
 */
public record FormatNames(Map<Format, String> extensions, Parser parser, Namer namer, boolean neverAdapts) {
    private static final Logger LOG = LoggerFactory.getLogger(FormatNames.class);
    private static final Pattern EXTENSION = Pattern.compile("\\.([^.]+)\\z");

    private static final Pattern LVM_NAME = Pattern.compile("(?i)[a-z0-9][a-z0-9\\-_.]*[a-z0-9]");
    private static final Pattern LVM_IMAGE = Pattern.compile("vm-\\d+-\\S+");
    private static final Pattern THIN_IMAGE = Pattern.compile("(?:vm|base)-\\d+-\\S+");
    private static final Pattern RBD_IMAGE = Pattern.compile("(?:base-\\d+-\\S+/)?(?:base)?(?:vm)?-\\d+-\\S+");
    private static final Pattern ZFS_IMAGE =
            Pattern.compile("((?:(?:base|basevol)-\\d+-\\S+/)?)(base|basevol|vm|subvol)(-\\d+-\\S+)");

    /** Of storages that are directories, btrfs too, and of every plugin that does not say otherwise. */
    public static final FormatNames FILES =
            byExtension(Map.of(RAW, "raw", QCOW2, "qcow2", VMDK, "vmdk", SUBVOL, "subvol"), FormatNames::formatOfFile);

    public static final FormatNames LVM =
            byExtension(Map.of(RAW, "", QCOW2, "qcow2"), name -> formatOfDevice(checkedLvm(name), LVM_IMAGE, "lvm"));
    public static final FormatNames LVM_THIN =
            byExtension(Map.of(RAW, ""), name -> formatOfDevice(checkedLvm(name), THIN_IMAGE, "lvm"));
    public static final FormatNames RBD = byExtension(Map.of(RAW, ""), name -> formatOfDevice(name, RBD_IMAGE, "rbd"));
    public static final FormatNames ZFS_POOL = byPrefix(Map.of(RAW, "raw", SUBVOL, "subvol"));

    /** Of ZFS over iSCSI, which has no file systems. */
    public static final FormatNames ZFS = byPrefix(Map.of(RAW, "raw"));

    /** Tells the format of a name. */
    @FunctionalInterface
    public interface Parser {
        /**
         * The format.
         *
         * @return empty if the name tells none, in which case it may not be a name of the type at all
         * @throws StorageException {@code INVALID_NAME} if the type has no such names
         */
        Optional<Format> format(String name);
    }

    /** Gives a name another format. */
    @FunctionalInterface
    public interface Namer {
        /**
         * The name.
         *
         * @param extension that of the format, without the dot; empty for none
         */
        String name(String name, Format format, String extension);
    }

    public FormatNames {
        extensions = Map.copyOf(extensions);
    }

    private static FormatNames byExtension(Map<Format, String> extensions, Parser parser) {
        return new FormatNames(extensions, parser, FormatNames::withExtension, false);
    }

    private static FormatNames byPrefix(Map<Format, String> extensions) {
        return new FormatNames(extensions, FormatNames::formatOfDataset, FormatNames::withPrefix, true);
    }

    public boolean isValid(Format format) {
        return extensions.containsKey(format);
    }

    /** What a name of this format ends in, empty if the type has no such images. */
    public Optional<String> extension(Format format) {
        return Optional.ofNullable(extensions.get(format));
    }

    /** The format that a name tells; see {@link Parser#format}. */
    public Optional<Format> parsed(String name) {
        return parser.format(name);
    }

    /** The name in another format. Whether it is one of the type's is not checked. */
    public String with(String name, Format format) {
        return namer.name(name, format, extension(format).orElse(""));
    }

    /**
     * The name to use for an image of this format that is wanted under this name. A name without an extension gets that of
     * the format, and the host is warned.
     *
     * @param isStrict whether a name that does not fit is refused
     * @throws StorageException {@code NOT_SUPPORTED} if the type has no such format; {@code INVALID_NAME} if the name tells
     *     another, with one that would do, or is not one of the type's
     */
    public String fitting(String name, Format format, boolean isStrict) {
        return fitting(this::isValid, parser, this::with, name, format, isStrict || neverAdapts);
    }

    /** The same by the methods of a plugin, which may have some of its own. */
    public static String fitting(StoragePlugin plugin, String name, Format format, boolean isStrict) {
        return fitting(plugin::isValidFormat, plugin::parsedFormat, plugin::nameWithFormat, name, format, isStrict);
    }

    private static String fitting(
            Predicate<Format> valid,
            Parser parser,
            BiFunction<String, Format, String> namer,
            String name,
            Format format,
            boolean isStrict) {
        if (!valid.test(format)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "unsupported format " + Quoted.of(format.word()));
        }
        Optional<Format> told = parser.format(name);
        if (told.isPresent() && told.get().equals(format)) {
            return name;
        }
        String adapted = namer.apply(name, format);
        if (isStrict || EXTENSION.matcher(name).find()) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "illegal name " + Quoted.inWords(name) + " - volume name does not match requested format "
                            + Quoted.of(format.word()) + " (did you mean " + Quoted.of(adapted) + "?)");
        }
        if (!parser.format(adapted).equals(Optional.of(format))) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "illegal name " + Quoted.of(name) + " - adapted name " + Quoted.of(adapted) + " is not a valid "
                            + Quoted.of(format.word()) + " volume name");
        }
        String warning = "volume name " + Quoted.of(name) + " is missing the '." + format.word()
                + "' extension - allocating " + Quoted.of(adapted);
        LOG.warn(warning);
        Host.calling().warn(warning);
        return adapted;
    }

    /**
     * The name of a new image on the host that makes the call. One before API level 16 refuses a name that does not fit.
     *
     * @param plugin whose names they are
     * @throws StorageException as {@link #fitting}
     */
    public static String forHost(StoragePlugin plugin, String name, Format.Image format) {
        var _ = new VolumeName(name); // a name that no volume may have is not mended by an extension
        if (Host.calling().adaptsNames()) {
            return plugin.nameForFormat(name, format, false);
        }
        Format.Image told = VolumeNames.ImageName.parse(name).format();
        if (told != format) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "illegal name " + Quoted.of(name) + " - wrong extension for format ('" + told.word() + " != '"
                            + format.word() + "')");
        }
        return name;
    }

    private static String withExtension(String name, Format format, String extension) {
        String bare = EXTENSION.matcher(name).replaceFirst("");
        return extension.isEmpty() ? bare : bare + "." + extension;
    }

    private static Optional<Format> formatOfFile(String name) {
        return EXTENSION.matcher(name).find()
                ? Optional.of(VolumeNames.ImageName.parse(name).format())
                : Optional.empty();
    }

    /** A device's name may end in anything; only a known format counts. */
    private static Optional<Format> formatOfDevice(String name, Pattern grammar, String type) {
        refuseOther(grammar.matcher(name), name, type);
        Matcher extension = EXTENSION.matcher(name);
        Optional<Format.Image> format = extension.find() ? Format.Image.ofWord(extension.group(1)) : Optional.empty();
        return Optional.of(format.orElse(RAW));
    }

    private static String checkedLvm(String name) {
        if (name.length() < 2) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME, "lvm name " + Quoted.of(name) + " can't be shorter than 2 characters");
        }
        if (!LVM_NAME.matcher(name).matches()) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME, "lvm name " + Quoted.of(name) + " contains illegal characters");
        }
        return name;
    }

    private static Optional<Format> formatOfDataset(String name) {
        Matcher parts = ZFS_IMAGE.matcher(name);
        refuseOther(parts, name, "zfs");
        return Optional.of(parts.group(2).endsWith("vol") ? SUBVOL : RAW);
    }

    private static String withPrefix(String name, Format format, String extension) {
        Matcher parts = ZFS_IMAGE.matcher(name);
        if (!parts.matches()) {
            return name;
        }
        boolean isBase = parts.group(2).startsWith("base");
        String prefix = format == SUBVOL ? (isBase ? "basevol" : "subvol") : (isBase ? "base" : "vm");
        return parts.group(1) + prefix + parts.group(3);
    }

    private static void refuseOther(Matcher name, String text, String type) {
        if (!name.matches()) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME, "unable to parse " + type + " volume name " + Quoted.of(text));
        }
    }
}
