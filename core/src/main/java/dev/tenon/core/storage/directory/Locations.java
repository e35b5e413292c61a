package dev.tenon.core.storage.directory;

import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.Paths;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the volumes of a storage are, as the methods of its plugin say, and what they must not leave.
 *
 * @param plugin whose methods are asked
 */
record Locations(StoragePlugin plugin, Storage storage) {
    /** The volume's id as text, for messages. */
    String volid(VolumeName volume) {
        return storage.id() + ":" + volume;
    }

    /**
     * The file of a volume.
     *
     * @param snapshot null for the volume as it is now
     */
    Path file(VolumeName volume, @Nullable SnapshotName snapshot) {
        return Paths.of(plugin.filesystemPath(storage, volume, snapshot).path());
    }

    /**
     * Refuses a place of this volume that lies in the storage as it is written but not as the file system sees it.
     *
     * @throws StorageException {@code UNSAFE_IMAGE}
     */
    void refuseWayOut(Path file, VolumeName volume, ContentType type) {
        bounds(file, type).refuseWayOut(file, volid(volume));
    }

    /** A storage without a path keeps its images somewhere of its own, each beside those it names. */
    StorageBounds bounds(Path file, ContentType type) {
        if (ContentDirectories.hasBase(storage)) {
            return StorageBounds.of(
                    Paths.of(ContentDirectories.base(storage)), Paths.of(plugin.getSubdir(storage, type)));
        }
        return StorageBounds.of(directoryOf(file));
    }

    static Path directoryOf(Path file) {
        Path parent = file.getParent();
        return parent == null ? file : parent;
    }

    /**
     * What the header of a volume's file says.
     *
     * @throws StorageException {@code UNSAFE_IMAGE}
     */
    ImageInfo read(VolumeName volume, ParsedVolume parsed, Path file, Format.Image format) throws IOException {
        StorageBounds bounds = bounds(file, parsed.type());
        return parsed.type() == ContentType.IMPORT
                ? ImageReferences.checkForeign(volid(volume), file, format, bounds)
                : ImageReferences.check(volid(volume), file, format, bounds);
    }

    /** Content without a format of its own, such as an ISO image, is read as raw. */
    static Format.Image readableFormat(VolumeName volume, ParsedVolume parsed) {
        return switch (parsed.format()) {
            case Format.Image image -> image;
            case Format.Other(String word) -> {
                if (parsed instanceof ParsedVolume.GuestImage || word.startsWith("ova+")) {
                    throw StorageException.refused(
                            StorageError.NOT_SUPPORTED,
                            "volume '" + volume + "' is of unsupported format '" + word + "'");
                }
                yield Format.Image.RAW;
            }
        };
    }

    /**
     * Where this image of a guest is.
     *
     * @param method what is refused for other volumes
     * @throws StorageException {@code NOT_SUPPORTED} if it is none
     */
    ImageLocation image(VolumeName volume, String method) {
        return switch (plugin.parseVolname(volume)) {
            case ParsedVolume.Content content ->
                throw refusedFor(
                        volume, method + " on wrong vtype '" + content.type().word() + "'");
            case ParsedVolume.GuestImage image -> {
                if (!(image.format() instanceof Format.Image format)) {
                    throw refusedFor(
                            volume,
                            method + " on unsupported format '" + image.format().word() + "'");
                }
                Path file = file(volume, null);
                StorageBounds bounds = bounds(file, ContentType.IMAGES);
                bounds.refuseWayOut(file, volid(volume));
                yield new ImageLocation(new VolumeId(storage.id(), volume), image, format, file, bounds);
            }
        };
    }

    static StorageException refusedFor(VolumeName volume, String what) {
        return StorageException.refused(StorageError.NOT_SUPPORTED, what + " of volume '" + volume + "'");
    }

    StorageException missing(VolumeName volume) {
        return StorageException.refused(StorageError.NOT_FOUND, "volume '" + volid(volume) + "' does not exist");
    }
}
