package dev.tenon.core.storage.directory;

import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StreamSource;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.StreamFormat;
import java.io.IOException;
import java.nio.file.Path;

/** Says where the bytes lie that a volume leaves its storage with, once it is known that they may. */
final class VolumeExport {
    private final Locations at;
    private final StoragePlugin plugin;
    private final Storage storage;
    private final VolumeName volume;

    VolumeExport(Locations at, VolumeName volume) {
        this.at = at;
        plugin = at.plugin();
        storage = at.storage();
        this.volume = volume;
    }

    /**
     * What the stream consists of.
     *
     * @throws StorageException {@code NOT_SUPPORTED}, {@code NOT_FOUND} or {@code UNSAFE_IMAGE}
     */
    StreamSource source(String formatWord, Transfer transfer) {
        ParsedVolume parsed = plugin.parseVolname(volume);
        StreamFormat format = format(formatWord, transfer);
        if (format != StreamFormat.RAW && parsed.format() != format.volumeFormat()) {
            throw notAvailable(formatWord);
        }
        Path file = Paths.of(plugin.path(storage, volume, null).path());
        at.refuseWayOut(file, volume, parsed.type());
        try {
            ImageInfo info = at.read(volume, parsed, file, Locations.readableFormat(volume, parsed));
            return switch (format) {
                case TAR -> new StreamSource.Tree(file);
                case QCOW2, VMDK -> new StreamSource.Content(file, info.size());
                case RAW -> raw(parsed, file, info);
            };
        } catch (IOException e) {
            throw ImageReferences.unreadable(at.volid(volume), file, e);
        }
    }

    private StreamFormat format(String word, Transfer transfer) {
        boolean hasSnapshot = transfer.snapshot() != null || transfer.base() != null;
        if (!hasSnapshot && plugin.exportFormats(storage, volume, transfer).contains(word)) {
            return StreamFormat.ofWord(word).orElseThrow(() -> notAvailable(word));
        }
        if (transfer.withSnapshots() && SnapshotChain.isUsedBy(storage)) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "cannot export volumes together with their snapshots in " + plugin.type() + " storage '"
                            + storage.id() + "', where snapshots are files of their own (volume '" + volume + "')");
        }
        throw notAvailable(word);
    }

    /** A file that was brought to be imported stays what it is: it is no guest's disk yet. */
    private static StreamSource raw(ParsedVolume parsed, Path file, ImageInfo info) throws IOException {
        boolean isDisk = parsed instanceof ParsedVolume.GuestImage;
        if (isDisk && parsed.format() instanceof Format.Image format && format != Format.Image.RAW) {
            return new StreamSource.Disk(file, format, info.size());
        }
        FileStatus status = FileStatus.of(file);
        return new StreamSource.Content(file, status.isBlockDevice() ? info.size() : ByteSize.ofBytes(status.size()));
    }

    private StorageException notAvailable(String word) {
        return StorageException.refused(
                StorageError.NOT_SUPPORTED,
                "volume export format " + word + " not available for " + plugin.type() + " (volume '" + storage.id()
                        + ":" + volume + "')");
    }
}
