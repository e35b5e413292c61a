package dev.tenon.libvirt;

import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names of images, which say what guest they belong to. */
final class GuestNames {
    private static final Pattern IMAGE = Pattern.compile("(?:vm|base|subvol|basevol)-([1-9]\\d{2,8})-.+");

    private GuestNames() {}

    /**
     * The guest of an image of this name.
     *
     * @throws StorageException {@code INVALID_NAME}
     */
    static Vmid owner(String name) {
        Matcher image = IMAGE.matcher(name);
        if (!image.matches()) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "the volume name " + Quoted.of(name)
                            + " does not say the guest that it belongs to; an image is named like 'vm-100-disk-0'");
        }
        return new Vmid(Long.parseLong(image.group(1)));
    }

    /**
     * Refuses a file that its storage would not list as what it is.
     *
     * @throws StorageException {@code INVALID_NAME}; {@code NOT_SUPPORTED} if the storage keeps such an image elsewhere
     */
    static void refuseUnlisted(StorageService storages, StorageId storage, Path file) {
        String name = String.valueOf(file.getFileName());
        String directory = file.getName(file.getNameCount() - 2).toString();
        Vmid owner = owner(name);
        if (!owner.toString().equals(directory)) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "the name " + Quoted.of(name) + " is of guest " + owner + ", and the directory of guest "
                            + Quoted.of(directory));
        }
        VolumeId volume = new VolumeId(storage, new VolumeName(directory + "/" + name));
        ParsedVolume parsed = storages.parseVolname(volume);
        if (parsed.format() != Format.Image.RAW) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "by its name " + Quoted.of(name) + " is of format '"
                            + parsed.format().word() + "', and the file would be 'raw'; end the name with '.raw'");
        }
        String path = storages.path(volume, null).path();
        if (!Path.of(path).equals(file)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "storage '" + storage + "' keeps volume '" + volume + "' in " + Quoted.of(path)
                            + " and would not list a file " + Quoted.of(file.toString())
                            + "; make the volume with: tenon volume alloc");
        }
    }

    /** Removes a volume that could not be used, so that nothing is left of it. */
    static StorageException removed(StorageService storages, VolumeId volume, StorageException failure) {
        try {
            storages.freeImage(volume);
            return new StorageException(failure.error(), Outcome.FAILED_CLEAN, failure.getMessage(), failure);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return new StorageException(
                    failure.error(),
                    Outcome.UNKNOWN,
                    failure.getMessage() + "; volume '" + volume + "' is left, since it could not be removed: "
                            + e.getMessage(),
                    failure);
        }
    }
}
