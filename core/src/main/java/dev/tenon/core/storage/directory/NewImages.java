package dev.tenon.core.storage.directory;

import dev.tenon.core.image.Preallocation;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFiles;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.FormatNames;
import dev.tenon.core.storage.common.Paths;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes new images of guests.
 *
 * @param at the storage that gets them
 * @param creation how they are made
 * @param naming what they may be called
 */
record NewImages(Locations at, ImageCreation creation, Naming naming) {
    /** What names of images are allowed. */
    @FunctionalInterface
    interface Naming {
        /**
         * Refuses a name that an image of this guest must not have.
         *
         * @throws StorageException {@code INVALID_NAME}
         */
        void refuseUnfit(Vmid owner, String fileName);
    }

    /**
     * The place of an image that is to be made.
     *
     * @param entry what is made in the directory of the guest
     */
    record NewImage(VolumeName volume, Format.Image format, Path entry) {
        void refuseExisting() {
            if (Files.exists(entry, LinkOption.NOFOLLOW_LINKS)) {
                throw StorageException.refused(
                        StorageError.ALREADY_EXISTS, "disk image '" + entry + "' already exists");
            }
        }
    }

    /**
     * Where a new image of the guest goes.
     *
     * @param name the wanted name, null to choose a free one
     */
    NewImage place(Vmid owner, Format.Image format, @Nullable String name) {
        Path images = Paths.of(at.plugin().getSubdir(at.storage(), ContentType.IMAGES));
        refuseMissingStorage(at.storage());
        String wanted = name == null ? at.plugin().findFreeDiskname(at.storage(), owner, format, true) : name;
        String fileName = FormatNames.forHost(at.plugin(), wanted, format);
        VolumeName volume = new VolumeName(owner + "/" + fileName);
        naming.refuseUnfit(owner, fileName);
        Path entry = images.resolve(owner.toString()).resolve(creation.entryName(fileName, format));
        at.refuseWayOut(entry, volume, ContentType.IMAGES);
        return new NewImage(volume, format, entry);
    }

    /** A storage that is not mounted must not be created below its mount point. */
    private static void refuseMissingStorage(Storage storage) {
        if (!ContentDirectories.hasBase(storage)) {
            return;
        }
        Path base = Paths.of(ContentDirectories.base(storage));
        if (!Files.isDirectory(base)) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "unable to allocate an image on storage '" + storage.id() + "' - directory '" + base
                            + "' does not exist or is unreachable");
        }
    }

    /** Makes an empty image. */
    VolumeName allocate(Vmid owner, Format format, @Nullable String name, ByteSize size) {
        if (!(format instanceof Format.Image image)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "unable to allocate an image of unsupported format " + Quoted.of(format.word()));
        }
        NewImage created = place(owner, image, name);
        if (image == Format.Image.SUBVOL && size.bytes() != 0) {
            throw StorageException.refused(StorageError.NOT_SUPPORTED, "storage does not support subvol quotas");
        }
        Optional<Preallocation> preallocation = Preallocation.of(at.storage(), image);
        created.refuseExisting();
        ImageAllocation.image(creation, created, size, preallocation);
        return created.volume();
    }

    /** Makes an image of what somebody writes; see {@link ImageFiles#stageImage}. */
    ImageFiles.Staged stage(Vmid owner, Format.Image format, Consumer<Path> filling) {
        if (format == Format.Image.SUBVOL) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "a new subvol is a directory and is not filled as an image is");
        }
        NewImage expected = place(owner, format, null);
        ImageAllocation allocation = ImageAllocation.staged(creation, expected, filling);
        return new ImageFiles.Staged() {
            @Override
            public VolumeName place(@Nullable String name) {
                NewImage image = NewImages.this.place(owner, format, name);
                allocation.place(String.valueOf(image.entry().getFileName()));
                return image.volume();
            }

            @Override
            public void close() {
                allocation.discard();
            }
        };
    }
}
