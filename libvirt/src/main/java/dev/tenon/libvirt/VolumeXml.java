package dev.tenon.libvirt;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A volume in the XML of {@code virsh vol-dumpxml} and {@code vol-create}. */
public final class VolumeXml {
    /** Formats that libvirt has a word of its own for; it is PVE's word too. */
    private static final Set<String> FORMATS = Set.of("raw", "qcow2", "vmdk", "iso");

    private static final String UNITS = "kmgtpe";

    private VolumeXml() {}

    /**
     * A volume to be made.
     *
     * @param name as PVE names images, for instance {@code vm-100-disk-0.qcow2}
     * @param owner the guest that the name says
     */
    public record Wanted(String name, Vmid owner, Format format, ByteSize capacity) {}

    /**
     * A volume as libvirt tells it.
     *
     * @param path where it is for QEMU
     * @return an XML document
     */
    public static String write(VolumeName volume, String path, SizeInfo info) {
        List<XmlTree> elements = new ArrayList<>();
        elements.add(XmlTree.text("name", bare(volume.value())));
        elements.add(XmlTree.text("key", path));
        Optional.ofNullable(info.size()).ifPresent(size -> elements.add(XmlTree.bytes("capacity", size.bytes())));
        Optional.ofNullable(info.used()).ifPresent(used -> elements.add(XmlTree.bytes("allocation", used.bytes())));
        List<XmlTree> target = new ArrayList<>();
        target.add(XmlTree.text("path", path));
        target.add(XmlTree.of("format", Map.of("type", word(info.format()))));
        Optional.ofNullable(info.ctime())
                .ifPresent(seconds ->
                        target.add(XmlTree.of("timestamps", List.of(XmlTree.text("ctime", Long.toString(seconds))))));
        elements.add(XmlTree.of("target", target));
        Optional.ofNullable(info.parent())
                .flatMap(parent -> absolute(parent, path))
                .ifPresent(parent -> elements.add(XmlTree.of("backingStore", List.of(XmlTree.text("path", parent)))));
        return new XmlTree("volume", Map.of("type", type(path, info.format())), null, elements).document();
    }

    private static String bare(String volume) {
        return volume.substring(volume.lastIndexOf('/') + 1);
    }

    private static String word(Format format) {
        if (format == Format.Image.SUBVOL) {
            return "dir";
        }
        return FORMATS.contains(format.word()) ? format.word() : "unknown";
    }

    private static String type(String path, Format format) {
        if (format == Format.Image.SUBVOL) {
            return "dir";
        }
        if (!path.startsWith("/")) {
            return "network";
        }
        return path.startsWith("/dev/") ? "block" : "file";
    }

    /** A parent is named relative to the image, or by the storage's own name for it, which is no path. */
    private static Optional<String> absolute(String parent, String path) {
        if (parent.startsWith("/")) {
            return Optional.of(parent);
        }
        return parent.contains("/") && path.startsWith("/")
                ? Optional.of(Path.of(path).resolveSibling(parent).normalize().toString())
                : Optional.empty();
    }

    /**
     * The volume that a document asks for. Its allocation is the storage's to decide, and is not looked at.
     *
     * @param document in UTF-8
     * @throws StorageException {@code BAD_PARAMETER} if it is no XML of a volume, or lacks a name or a capacity; {@code
     *     INVALID_NAME} if the name says no guest; {@code NOT_SUPPORTED} for a format that PVE does not have, encryption,
     *     or a volume based on another
     */
    public static Wanted read(byte[] document) {
        XmlTree volume = XmlTree.read(document);
        if (!volume.name().equals("volume")) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "the document is a " + Quoted.of(volume.name()) + ", and not a 'volume'");
        }
        String name = volume.find("name").flatMap(XmlTree::words).orElseThrow(() -> missing("name"));
        XmlTree capacity = volume.find("capacity").orElseThrow(() -> missing("capacity"));
        if (volume.find("backingStore", "path").isPresent()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "volume " + Quoted.of(name)
                            + " is to be based on another, but only empty volumes are made here; make a clone instead");
        }
        if (volume.find("target", "encryption").isPresent()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "volume " + Quoted.of(name) + " is to be encrypted, which PVE does not support");
        }
        return new Wanted(name, GuestNames.owner(name), format(volume, name), bytes(capacity));
    }

    private static StorageException missing(String what) {
        return StorageException.refused(StorageError.BAD_PARAMETER, "the volume has no '" + what + "'");
    }

    private static Format format(XmlTree volume, String name) {
        String word = volume.find("target", "format")
                .flatMap(format -> format.attribute("type"))
                .orElse("raw");
        if (word.equals("dir")) {
            return Format.Image.SUBVOL;
        }
        return Format.Image.ofWord(word)
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_SUPPORTED,
                        "volume " + Quoted.of(name) + " is to be of format " + Quoted.of(word)
                                + "; PVE has raw, qcow2, vmdk and dir"));
    }

    /** libvirt's sizes: a number and a unit, where {@code KB} is 1,000 bytes and {@code K} and {@code KiB} are 1,024. */
    private static ByteSize bytes(XmlTree size) {
        String number = size.words().orElse("");
        String unit = size.attribute("unit").orElse("bytes").toLowerCase(Locale.ROOT);
        Optional<BigInteger> factor = factor(unit);
        if (!number.matches("[0-9]{1,20}") || factor.isEmpty()) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "the volume's capacity " + Quoted.of(number + " " + unit)
                            + " is no size; give a whole number and a unit, for instance 10 and GiB");
        }
        BigInteger bytes = new BigInteger(number).multiply(factor.get());
        if (bytes.bitLength() >= Long.SIZE || bytes.signum() == 0) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "the volume's capacity " + Quoted.of(number + " " + unit) + " is not between 1 byte and 8 EiB");
        }
        return ByteSize.ofBytes(bytes.longValueExact());
    }

    private static Optional<BigInteger> factor(String unit) {
        if (unit.matches("b|byte|bytes")) {
            return Optional.of(BigInteger.ONE);
        }
        int power = UNITS.indexOf(unit.charAt(0)) + 1;
        if (power == 0) {
            return Optional.empty();
        }
        return switch (unit.substring(1)) {
            case "", "ib" -> Optional.of(BigInteger.valueOf(1024).pow(power));
            case "b" -> Optional.of(BigInteger.valueOf(1000).pow(power));
            default -> Optional.empty();
        };
    }
}
