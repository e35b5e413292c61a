package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.UnknownImage;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * Tells a guest to be imported from an OVF manifest, which lies beside its disks or is packed with them (OVA).
 *
 * @param volid the manifest or archive
 */
public record ImportMetadata(VolumeId volid, Path file, boolean isArchive) {
    private static final long LONGEST = 16L * 1024 * 1024;
    private static final Pattern FILE_NAME = Pattern.compile("[ a-zA-Z0-9\\-.+=_]+");

    /**
     * What such a volume tells.
     *
     * @throws StorageException {@code NOT_SUPPORTED} for volumes of another kind
     */
    public static ImportMetadata of(VolumeId volid, ParsedVolume parsed, Path file) {
        if (parsed.type() != ContentType.IMPORT) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "invalid content type of volume '" + volid + "': only 'import' has metadata");
        }
        String format = parsed.format().word();
        if (!format.equals("ova") && !format.equals("ovf")) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "invalid format '" + format + "' of volume '" + volid + "': only ova and ovf have metadata");
        }
        return new ImportMetadata(volid, file, format.equals("ova"));
    }

    /** The guest as PVE tells it. */
    public Map<String, Object> read() {
        Ovf ovf = manifest();
        List<Map<String, Object>> warnings = new ArrayList<>();
        if (isArchive) {
            warnings.add(Map.of("type", "ova-needs-extracting"));
        }
        Map<String, Object> disks = new LinkedHashMap<>();
        for (Ovf.Disk disk : ovf.disks()) {
            disks.put(disk.address(), entry(disk));
        }
        Map<String, Object> arguments = arguments(ovf);
        if (ovf.hasEfi()) {
            disks.put("efidisk0", 1L);
            warnings.add(Map.of("type", "efi-state-lost", "key", "bios", "value", "ovmf"));
        }
        Map<String, Object> cards = new LinkedHashMap<>();
        ovf.cards().forEach(model -> cards.put("net" + cards.size(), Map.of("model", model)));
        return Map.of(
                "type", "vm",
                "source", volid.volume().value(),
                "create-args", arguments,
                "disks", disks,
                "net", cards,
                "warnings", warnings);
    }

    private static Map<String, Object> arguments(Ovf ovf) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        ovf.name().ifPresent(name -> arguments.put("name", name));
        ovf.cores().ifPresent(cores -> arguments.put("cores", cores));
        ovf.memory().ifPresent(memory -> arguments.put("memory", memory));
        arguments.put("ostype", ovf.osType());
        if (ovf.hasEfi()) {
            arguments.put("bios", "ovmf");
        }
        if (!ovf.disks().isEmpty()) {
            arguments.put(
                    "boot",
                    "order="
                            + String.join(
                                    ";",
                                    ovf.disks().stream().map(Ovf.Disk::address).toList()));
        }
        return arguments;
    }

    private Ovf manifest() {
        try (InputStream xml = isArchive ? packed() : plain()) {
            return Ovf.parse(xml);
        } catch (Ovf.BadOvfException e) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "unable to parse the manifest of '" + volid + "': " + Quoted.of(String.valueOf(e.getMessage())));
        } catch (IOException e) {
            throw ImageReferences.unreadable(volid.toString(), file, e);
        }
    }

    private InputStream plain() throws IOException {
        FileStatus status = FileStatus.of(file);
        if (!status.isRegularFile() || status.size() > LONGEST) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "unable to parse the manifest of '" + volid + "': it is no file of at most " + LONGEST + " bytes");
        }
        return Files.newInputStream(file);
    }

    /** The first manifest in the archive. The files that macOS puts beside others for their attributes are none. */
    private InputStream packed() throws IOException {
        refuseOther(FileStatus.of(file));
        try (OvaArchive archive = OvaArchive.open(file)) {
            return archive.first(
                            name -> name.toLowerCase(Locale.ROOT).endsWith(".ovf") && !name.startsWith("._"), LONGEST)
                    .map(ByteArrayInputStream::new)
                    .orElseThrow(this::holdsNone);
        } catch (OvaArchive.BadArchiveException e) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "unable to read the manifest of '" + volid + "': " + e.getMessage());
        }
    }

    private void refuseOther(FileStatus status) {
        if (!status.isRegularFile()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "unable to read the manifest of '" + volid + "': it is no regular file");
        }
    }

    private StorageException holdsNone() {
        return StorageException.refused(
                StorageError.NOT_SUPPORTED,
                "unable to read the manifest of '" + volid + "': the archive holds none (a file named *.ovf)");
    }

    private Map<String, Object> entry(Ovf.Disk disk) {
        String name = disk.file();
        if (!FILE_NAME.matcher(name).matches() || name.equals(".") || name.equals("..")) {
            throw StorageException.refused(
                    StorageError.UNSAFE_IMAGE,
                    "referenced path " + Quoted.of(name) + " is invalid: the manifest of '" + volid
                            + "' may only name files beside it, of letters, digits, blanks and - . + = _");
        }
        OptionalLong size = isArchive ? disk.capacity() : OptionalLong.of(sizeOf(name));
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("volid", (isArchive ? volid + "/" : volid.storage() + ":import/") + name);
        size.ifPresent(bytes -> entry.put("size", bytes));
        return entry;
    }

    private long sizeOf(String name) {
        Path disk = file.resolveSibling(name);
        try {
            Path directory = disk.resolveSibling(".").toRealPath();
            if (!disk.toRealPath().startsWith(directory)) {
                throw StorageException.refused(
                        StorageError.UNSAFE_IMAGE,
                        "error parsing " + Quoted.of(name) + ", are you using a symlink ? The manifest of '" + volid
                                + "' may only name files beside it");
            }
            return UnknownImage.virtualSize(disk).bytes();
        } catch (NoSuchFileException e) {
            throw StorageException.refused(
                    StorageError.NOT_FOUND,
                    "error parsing " + Quoted.of(name) + " in the manifest of '" + volid
                            + "', file seems not to exist at '" + disk + "'");
        } catch (IOException e) {
            throw Failures.of(
                    e,
                    Outcome.NOT_STARTED,
                    "error parsing '" + disk + "' of the manifest of '" + volid + "', cannot determine file size");
        }
    }
}
