package dev.tenon.core.storage.directory;

import dev.tenon.core.image.QemuImg;
import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Finds what single operations left inside images.
 *
 * @param at the storage
 */
record InterruptionExaminer(Locations at, Findings findings) {
    /** What is left of single operations inside images. */
    void examine(Interruption interruption) {
        VolumeName volume = interruption.volume();
        if (volume == null) {
            return;
        }
        ImageLocation image;
        try {
            image = at.image(volume, "examine");
        } catch (StorageException e) {
            return;
        }
        if (!Files.exists(image.file(), LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        switch (interruption.operation()) {
            case FREE_IMAGE -> {
                if (image.parsed().isBase()) {
                    findings.automatic(
                            Kind.BASE_WRITABLE,
                            image.file(),
                            "base image '" + image.file()
                                    + "' was about to be removed and may not be protected any more",
                            "protect it",
                            interruption,
                            () -> BaseImages.protect(image.file()));
                }
            }
            case RESIZE_VOLUME, SNAPSHOT_VOLUME, ROLLBACK -> examineHealth(image, interruption);
            case DELETE_SNAPSHOT -> {
                if (!hasSpoiltSnapshot(image, interruption)) {
                    examineHealth(image, interruption);
                }
            }
            default -> {}
        }
    }

    /** Whether the oldest snapshot was being deleted, which writes newer data into it. */
    private boolean hasSpoiltSnapshot(ImageLocation image, Interruption interruption) {
        SnapshotName snapshot = interruption.snapshot();
        if (snapshot == null
                || image.format() != Format.Image.QCOW2
                || "true".equals(interruption.parameters().get("isRunning"))) {
            return false;
        }
        if (!isOldestAndSame(image, snapshot, interruption)) {
            return false;
        }
        Path file = image.file()
                .resolveSibling(
                        SnapshotChain.fileName(String.valueOf(image.file().getFileName()), snapshot));
        String what = "snapshot '" + snapshot + "' of volume '" + image.volid()
                + "' was being deleted and may hold newer data, so do not roll back to it";
        for (SnapshotChain.Link link : SnapshotChain.read(image).links()) {
            OptionalLong holder = FileHolders.holderOf(link.file());
            if (holder.isPresent()) {
                findings.inUse(link.file(), what, holder.getAsLong(), interruption);
                return true;
            }
        }
        findings.automatic(
                Kind.SNAPSHOT_SPOILT,
                file,
                what,
                "finish its deletion; the volume keeps all it has",
                interruption,
                () -> {
                    if (isOldestAndSame(image, snapshot, interruption)) {
                        ChainSnapshots.delete(SnapshotChain.read(image), snapshot);
                    }
                });
        return true;
    }

    /**
     * The image that is based on it must be the same too: a file that was the oldest snapshot becomes the image when that is
     * deleted, and would be the oldest snapshot again if one of the same name was taken.
     */
    private static boolean isOldestAndSame(ImageLocation image, SnapshotName snapshot, Interruption interruption) {
        try {
            SnapshotChain chain = SnapshotChain.read(image);
            int last = chain.links().size() - 1;
            return last > 0
                    && chain.links().get(last).name().equals(snapshot.value())
                    && Witness.isSame(chain.links().get(last).file(), interruption)
                    && Witness.isSame(chain.links().get(last - 1).file(), interruption);
        } catch (StorageException e) {
            return false;
        }
    }

    private void examineHealth(ImageLocation image, Interruption interruption) {
        if (image.format() != Format.Image.QCOW2) {
            return;
        }
        List<Path> files = new ArrayList<>(List.of(image.file()));
        interruption.witness().keySet().stream()
                .filter(name -> SnapshotChain.isSnapshotOf(name, image.file()))
                .map(image.file()::resolveSibling)
                .filter(Files::exists)
                .forEach(files::add);
        for (Path file : files) {
            String what = interruption.operation() + " of volume '" + image.volid() + "' was interrupted";
            OptionalLong holder = FileHolders.holderOf(file);
            if (holder.isPresent()) {
                findings.inUse(file, what, holder.getAsLong(), interruption);
            } else {
                examineHealth(file, what, interruption);
            }
        }
    }

    private void examineHealth(Path file, String what, Interruption interruption) {
        QemuImg.Health health;
        try {
            health = QemuImg.check(file, Format.Image.QCOW2);
        } catch (StorageException e) {
            findings.byHand(
                    Kind.IN_USE,
                    file,
                    what + ", and whether '" + file + "' is sound cannot be told: " + e.getMessage(),
                    Certainty.LIKELY,
                    "examine the storage again when the volume is not in use",
                    interruption);
            return;
        }
        switch (health) {
            case GOOD -> {}
            case LEAKS ->
                findings.automatic(
                        Kind.SPACE_LEAKED,
                        file,
                        what + ", and '" + file + "' has space that nothing uses",
                        "give the space back (qemu-img check -r leaks)",
                        interruption,
                        () -> QemuImg.repairLeaks(file));
            case CORRUPT ->
                findings.byHand(
                        Kind.IMAGE_CORRUPT,
                        file,
                        what + ", and the tables of '" + file + "' contradict each other",
                        Certainty.SURE,
                        "do not start its guest; copy the file, then try qemu-img check -r all on the copy, or restore a"
                                + " backup",
                        interruption);
        }
    }
}
