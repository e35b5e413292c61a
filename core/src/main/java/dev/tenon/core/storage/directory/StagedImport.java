package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StreamTarget;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.StreamFormat;
import java.util.function.Predicate;

/**
 * Imports the image of a guest whole or not at all: it is received under a hidden name, checked and then moved to its
 * place.
 *
 * @param images how images are made here
 * @param held the formats of the images that are made here
 */
record StagedImport(NewImages images, Predicate<Format> held) implements GuestImport {
    /** A guest has no more images. */
    private static final int MOST_NAMES = 1024;

    @Override
    public VolumeName receive(
            Reception reception, StreamFormat format, ParsedVolume.GuestImage image, boolean allowRename) {
        Vmid owner = reception.owner(image);
        refuseOtherFormats(reception, image);
        NewImages.NewImage wanted = images.place(owner, format.volumeFormat(), image.name());
        if (!wanted.volume().equals(reception.volume())) {
            throw reception.unsupported(
                    "a linked clone cannot be imported as one: import it as '" + wanted.volume() + "'");
        }
        boolean isTaken = Reception.isTaken(wanted.entry(), allowRename);
        ByteSize size = reception.size(format);
        ImageAllocation allocation = staged(reception, format, wanted, size);
        try {
            reception.refuseCancelled();
            VolumeName placed = isTaken
                    ? placeElsewhere(allocation, owner, format)
                    : place(allocation, wanted, owner, format, allowRename);
            if (image.isBase() && placed.equals(reception.volume())) {
                images.creation().protect(wanted.entry());
            }
            return placed;
        } catch (RuntimeException e) {
            throw VolumeImport.discarded(allocation, e);
        }
    }

    private void refuseOtherFormats(Reception reception, ParsedVolume.GuestImage image) {
        StoragePlugin plugin = images.at().plugin();
        Storage storage = images.at().storage();
        if (!held.test(image.format())) {
            throw reception.unsupported("storage '" + storage.id() + "' of type '" + plugin.type()
                    + "' holds no images of format '" + image.format().word() + "'");
        }
    }

    private ImageAllocation staged(Reception reception, StreamFormat format, NewImages.NewImage image, ByteSize size) {
        return switch (format) {
            case TAR -> ImageAllocation.stagedSubvolume(images.creation(), image, reception::receiveTree);
            case RAW, QCOW2, VMDK ->
                ImageAllocation.staged(images.creation(), image, staged -> {
                    reception.receive(new StreamTarget.NewFile(staged), format, size);
                    reception.check(format, format.volumeFormat(), staged, size);
                });
        };
    }

    private VolumeName place(
            ImageAllocation allocation,
            NewImages.NewImage image,
            Vmid owner,
            StreamFormat format,
            boolean allowRename) {
        try {
            allocation.place(String.valueOf(image.entry().getFileName()));
            return image.volume();
        } catch (StorageException e) {
            if (e.error() != StorageError.ALREADY_EXISTS) {
                throw e;
            }
            if (!allowRename) {
                throw Reception.exists(image.entry());
            }
            return placeElsewhere(allocation, owner, format);
        }
    }

    /** Others may take the free names too: nobody holds the lock of the storage. */
    private VolumeName placeElsewhere(ImageAllocation allocation, Vmid owner, StreamFormat format) {
        for (int attempt = 1; ; attempt++) {
            NewImages.NewImage image = images.place(owner, format.volumeFormat(), null);
            try {
                allocation.place(String.valueOf(image.entry().getFileName()));
                return image.volume();
            } catch (StorageException e) {
                if (e.error() != StorageError.ALREADY_EXISTS || attempt == MOST_NAMES) {
                    throw e;
                }
            }
        }
    }
}
