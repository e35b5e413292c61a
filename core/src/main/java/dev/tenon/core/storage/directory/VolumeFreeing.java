package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Frees a volume, if nothing forbids it. */
record VolumeFreeing(Locations at, ImageCreation creation) {
    void run(VolumeName volume, boolean isBase, @Nullable Format format) {
        ParsedVolume parsed = at.plugin().parseVolname(volume);
        Path file = at.file(volume, null);
        at.refuseWayOut(file, volume, parsed.type());
        refuseProtected(volume, parsed, file);
        switch (parsed) {
            case ParsedVolume.Content content
            when content.type() == ContentType.BACKUP -> {
                VolumeRemoval.file(file);
                new BackupFiles(file).removeCompanions();
            }
            case ParsedVolume.Content content -> VolumeRemoval.file(file);
            case ParsedVolume.GuestImage image -> {
                removeImage(image, file, isBase || image.isBase(), format);
                VolumeRemoval.emptyDirectory(file.getParent(), creation);
            }
        }
    }

    /** The mark beside a backup counts even if the plugin does not know of marks. */
    private void refuseProtected(VolumeName volume, ParsedVolume parsed, Path file) {
        boolean isMarked = parsed.type() == ContentType.BACKUP && new BackupFiles(file).isProtected();
        boolean isProtected = isMarked
                || at.plugin()
                        .attribute(at.storage(), volume, VolumeAttribute.PROTECTED)
                        .filter(value -> !value.isEmpty() && !value.equals("0"))
                        .isPresent();
        if (isProtected) {
            throw StorageException.refused(
                    StorageError.PERMISSION_DENIED,
                    "cannot remove protected volume '" + volume + "' on '"
                            + at.storage().id() + "'");
        }
    }

    private void removeImage(ParsedVolume.GuestImage image, Path file, boolean isBase, @Nullable Format format) {
        if (isBase && Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            BaseImages.refuseUsedBySnapshots(image, file);
            VolumeRemoval.makeMutable(file);
        }
        if (image.format() == Format.Image.SUBVOL || format == Format.Image.SUBVOL) {
            VolumeRemoval.subvolume(file, creation);
            return;
        }
        if (SnapshotChain.isUsedBy(at.storage()) && image.format() == Format.Image.QCOW2) {
            VolumeRemoval.fileWithSnapshots(file);
        } else {
            VolumeRemoval.file(file);
        }
    }
}
