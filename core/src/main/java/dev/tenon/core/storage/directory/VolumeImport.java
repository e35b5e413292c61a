package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StreamTarget;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.StreamFormat;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Makes a volume of what comes in a stream. How the image of a guest is made is told by a {@link GuestImport}. No plugin
 * allocates what is no guest's image; it is received beside its place, whole or not at all.
 */
final class VolumeImport {
    private final StoragePlugin plugin;
    private final Storage storage;
    private final VolumeName volume;
    private final Reception reception;

    /**
     * Of what comes in this stream.
     *
     * @param volume the wanted name
     */
    VolumeImport(Locations at, VolumeName volume, ImportStream stream) {
        plugin = at.plugin();
        storage = at.storage();
        this.volume = volume;
        reception = new Reception(at, volume, stream);
    }

    /**
     * Makes the volume.
     *
     * @throws StorageException {@code FAILED_CLEAN} if nothing is left, else {@code UNKNOWN}; {@code NOT_STARTED} if the
     *     stream was not read either
     */
    VolumeId run(String formatWord, Transfer transfer, boolean allowRename, GuestImport guestImport) {
        ParsedVolume parsed = plugin.parseVolname(volume);
        StreamFormat format = format(formatWord, transfer, parsed);
        VolumeName made = switch (parsed) {
            case ParsedVolume.GuestImage image -> guestImport.receive(reception, format, image, allowRename);
            case ParsedVolume.Content content -> content(format, content);
        };
        return new VolumeId(storage.id(), made);
    }

    private StreamFormat format(String word, Transfer transfer, ParsedVolume parsed) {
        StreamFormat format = StreamFormat.ofWord(word).orElseThrow(() -> notAvailable(word));
        if (transfer.withSnapshots() != format.isImageFile()) {
            throw reception.unsupported("format " + word + " cannot be imported "
                    + (format.isImageFile() ? "without" : "with") + " snapshots");
        }
        if (parsed instanceof ParsedVolume.GuestImage && parsed.format() != format.volumeFormat()) {
            throw reception.unsupported("cannot import format " + word + " into a file of format "
                    + parsed.format().word());
        }
        if (transfer.base() != null
                || !plugin.importFormats(storage, volume, transfer).contains(word)) {
            throw notAvailable(word);
        }
        return format;
    }

    private StorageException notAvailable(String word) {
        return reception.unsupported("volume import format '" + word + "' not available for " + plugin.type());
    }

    private VolumeName content(StreamFormat format, ParsedVolume.Content content) {
        Path file = Paths.of(plugin.path(storage, volume, null).path());
        if (content.name().startsWith(".")) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "unable to import volume '" + reception.volid()
                            + "' - a file whose name begins with a dot is not listed");
        }
        reception.at().refuseWayOut(file, volume, content.type());
        Reception.isTaken(file, false);
        Path directory = file.resolveSibling(".").normalize();
        if (!Files.isDirectory(directory)) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "unable to import volume '" + reception.volid() + "' - directory '" + directory
                            + "' does not exist or is unreachable; make it, or activate the storage");
        }
        ByteSize size = reception.size(format);
        Format.Image promised = content.type() == ContentType.IMPORT && content.format() instanceof Format.Image image
                ? image
                : Format.Image.RAW;
        ImageAllocation allocation =
                ImageAllocation.stagedFile(directory, String.valueOf(file.getFileName()), staged -> {
                    reception.receive(new StreamTarget.Present(staged, true), format, size);
                    reception.check(format, promised, staged, size);
                });
        try {
            reception.refuseCancelled();
            allocation.place(String.valueOf(file.getFileName()));
            return volume;
        } catch (RuntimeException e) {
            throw discarded(
                    allocation,
                    e instanceof StorageException failure && failure.error() == StorageError.ALREADY_EXISTS
                            ? Reception.exists(file)
                            : e);
        }
    }

    /** The failure of an import whose staged file is discarded, with what that left. */
    static RuntimeException discarded(ImageAllocation allocation, RuntimeException failure) {
        Outcome outcome = allocation.discard();
        return failure instanceof StorageException e
                ? new StorageException(e.error(), outcome, e.getMessage(), e)
                : failure;
    }
}
