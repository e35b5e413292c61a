package dev.tenon.core.service;

import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.image.Preallocation;
import dev.tenon.core.image.Qcow2Snapshot;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.image.RateLimit;
import dev.tenon.core.image.SparseCopy;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFiles;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.Unfinished;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Copies an image to a storage. Where both are files of one format that can be taken as they are, the file is copied,
 * which a file system that shares blocks does at once; otherwise qemu-img reads one and writes the other.
 */
final class ImageCopying {
    private final Operation operation;
    private final Locks locks;
    private final OptionalLong bytesPerSecond;
    private final CopyProgress progress;

    ImageCopying(Operation operation, Locks locks, OptionalLong bytesPerSecond, CopyProgress progress) {
        this.operation = operation;
        this.locks = locks;
        this.bytesPerSecond = bytesPerSecond;
        this.progress = progress;
    }

    VolumeId copy(VolumeId volume, @Nullable SnapshotName snapshot, CopyTarget to) {
        Configured from = operation.activate(volume.storage());
        Configured target = operation.activate(to.storage());
        Format.Image sourceFormat = imageFormat(from, volume);
        Format.Image format = targetFormat(target, to.format(), sourceFormat);
        from.plugin().activateVolume(from.storage(), volume.volume(), snapshot, operation.cache(), Hints.NONE);
        try {
            Content content = content(from, volume, snapshot, sourceFormat);
            return new VolumeId(
                    to.storage(),
                    target.plugin()
                            .imageFiles()
                            .map(files -> copyToFile(content, target, files, to, format))
                            .orElseGet(() -> copyToVolume(content, target, to, format)));
        } finally {
            if (snapshot != null) {
                operation.deactivate(from, volume, snapshot);
            }
        }
    }

    private static Format.Image imageFormat(Configured configured, VolumeId volume) {
        ParsedVolume parsed = configured.plugin().parseVolname(volume.volume());
        if (parsed instanceof ParsedVolume.GuestImage
                && parsed.format() instanceof Format.Image format
                && format != Format.Image.SUBVOL) {
            return format;
        }
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED,
                parsed instanceof ParsedVolume.Content
                        ? "volume '" + volume + "' is content '" + parsed.type().word()
                                + "' and no image of a guest, so no guest can get a copy of it; copy it as a volume"
                        : "volume '" + volume + "' is an image of format '"
                                + parsed.format().word()
                                + "', and only raw, qcow2 and vmdk images can be copied as one; copy it as a volume");
    }

    private static Format.Image targetFormat(
            Configured target, Format.@Nullable Image wanted, Format.Image sourceFormat) {
        var formats = target.plugin().formats(target.storage());
        Format chosen =
                wanted != null ? wanted : formats.valid().contains(sourceFormat) ? sourceFormat : formats.preferred();
        if (formats.valid().contains(chosen) && chosen instanceof Format.Image image && image != Format.Image.SUBVOL) {
            return image;
        }
        throw StorageException.refused(
                StorageError.NOT_SUPPORTED,
                "unsupported format '" + chosen.word() + "' for storage '" + target.id() + "'");
    }

    /**
     * What is copied.
     *
     * @param source where QEMU finds it
     * @param isWhole whether its file is all of it, and nothing besides it
     */
    private record Content(VolumeId volume, QemuImg.Source source, ByteSize size, boolean isWhole) {}

    private static Content content(
            Configured from, VolumeId volume, @Nullable SnapshotName snapshot, Format.Image format) {
        String path =
                from.plugin().path(from.storage(), volume.volume(), snapshot).path();
        boolean isInside = snapshot != null
                && format == Format.Image.QCOW2
                && path.equals(from.plugin()
                        .path(from.storage(), volume.volume(), null)
                        .path());
        ByteSize size = from.plugin()
                .volumeSizeInfo(from.storage(), volume.volume(), null)
                .size();
        if (size == null) {
            throw StorageException.refused(StorageError.BAD_RESULT, "the size of volume '" + volume + "' is not known");
        }
        return new Content(
                volume,
                new QemuImg.Source(path, format, isInside ? snapshot : null),
                size,
                path.startsWith("/") && !isInside && isWhole(Path.of(path), format));
    }

    private static boolean isWhole(Path file, Format.Image format) {
        if (format == Format.Image.RAW) {
            return true;
        }
        try {
            ImageInfo info = ImageInfo.read(file, format);
            return info.format() == Format.Image.QCOW2
                    && info.backingFile() == null
                    && info.dataFile() == null
                    && Qcow2Snapshot.readAll(file).isEmpty();
        } catch (IOException e) {
            return false; // and let qemu-img tell what is wrong with it
        }
    }

    private VolumeName copyToFile(
            Content content, Configured target, ImageFiles files, CopyTarget to, Format.Image format) {
        boolean asItIs = content.isWhole() && content.source().format() == format;
        try (ImageFiles.Staged staged = files.stageImage(target.storage(), to.owner(), format, file -> {
            if (asItIs) {
                SparseCopy.copy(Path.of(content.source().path()), file, new RateLimit(bytesPerSecond), progress);
            } else {
                Optional<Preallocation> preallocation = Preallocation.of(target.storage(), format);
                QemuImg.convert(
                        content.source(),
                        new QemuImg.Target(file.toString(), format, false, preallocation),
                        content.size(),
                        bytesPerSecond,
                        progress);
            }
        })) {
            refuseCancelled(content);
            return StorageLock.hold(target, locks, () -> staged.place(to.name()));
        }
    }

    private VolumeName copyToVolume(Content content, Configured target, CopyTarget to, Format.Image format) {
        VolumeName made = StorageLock.hold(
                target,
                locks,
                () -> target.plugin().allocImage(target.storage(), to.owner(), format, to.name(), content.size()));
        try {
            target.plugin().activateVolume(target.storage(), made, null, operation.cache(), Hints.NONE);
            String path = target.plugin().path(target.storage(), made, null).path();
            QemuImg.convert(
                    content.source(),
                    new QemuImg.Target(path, format, true, Optional.empty()),
                    content.size(),
                    bytesPerSecond,
                    progress);
            refuseCancelled(content);
            return made;
        } catch (StorageException e) {
            throw Unfinished.removed(
                    target.plugin(), target.storage(), made, format, e, StorageLock.around(target, locks));
        }
    }

    /** A cancel that comes after all data still leaves no copy. */
    private static void refuseCancelled(Content content) {
        if (Thread.currentThread().isInterrupted()) {
            throw new StorageException(
                    StorageError.CANCELLED,
                    Outcome.FAILED_CLEAN,
                    "the copy of volume '" + content.volume() + "' was cancelled");
        }
    }
}
