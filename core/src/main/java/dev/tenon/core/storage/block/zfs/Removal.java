package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.linux.OpenFiles;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Removes an image with its snapshots. Nothing is changed if something has it open, or if there is what is not the storage's:
 * ZFS would remove the snapshots before it finds out.
 */
record Removal(Datasets datasets, String pool, ParsedVolume.GuestImage image) {
    private String place() {
        return datasets.place(image.name());
    }

    /** Nothing is to be done for an image that is not there. */
    void run() {
        Optional<Dataset> found = datasets.zfs().find(place());
        if (found.isEmpty()) {
            datasets.requirePlace();
            return;
        }
        datasets.refuseOther(found.get(), image);
        if (image.format() == Format.Image.RAW) {
            Datasets.untilUnused(() -> {
                refuseOpen();
                refuseHeld("the kernel has it open, for a mount, a loop device, swap, or what is on top of it");
            });
        } else {
            refuseInhabited();
            unmounted(found.get().isMounted());
        }
        datasets.erase(image.name());
    }

    private void unmounted(boolean isMounted) {
        if (isMounted) {
            refuseCloned();
            Datasets.untilUnused(() -> datasets.unmount(image));
        }
        try {
            Datasets.untilUnused(() -> refuseHeld("another mount namespace has it mounted, as a container's"));
        } catch (StorageException e) {
            if (isMounted) {
                datasets.activate(image);
            }
            throw e;
        }
    }

    private StorageException inUse(String why) {
        return StorageException.refused(StorageError.IN_USE, "zfs error: cannot destroy '" + place() + "': " + why);
    }

    /** What others have made in a file system is not the storage's to remove. */
    private void refuseInhabited() {
        List<Dataset> found = datasets.zfs().within(place());
        if (found.size() > 1) {
            throw inUse("there are datasets in it that are no volumes, '"
                    + found.getLast().name() + "' for one: move or remove them");
        }
    }

    private void refuseCloned() {
        List<String> cloned = datasets.zfs().snapshots(place()).stream()
                .filter(Snapshot::hasClones)
                .map(Snapshot::name)
                .toList();
        if (!cloned.isEmpty()) {
            throw inUse("there are clones of its snapshots " + String.join(", ", cloned));
        }
    }

    /** People are told which process it is. */
    private void refuseOpen() {
        OptionalLong holder;
        try {
            holder = OpenFiles.holderOf(datasets.device(image.name()).toRealPath());
        } catch (IOException e) {
            return; // it has no device
        }
        holder.ifPresent(process -> {
            throw inUse("dataset is busy: process " + process + " (" + OpenFiles.nameOf(process) + ") has it open");
        });
    }

    private void refuseHeld(String who) {
        boolean isHeld;
        try {
            isHeld = datasets.zfs().isHeld(pool, place());
        } catch (StorageException e) {
            throw new StorageException(e.error(), Outcome.FAILED_CLEAN, e.getMessage(), e);
        }
        if (isHeld) {
            throw inUse("dataset is busy: " + who);
        }
    }
}
