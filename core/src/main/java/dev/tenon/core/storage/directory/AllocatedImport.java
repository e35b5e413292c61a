package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StreamTarget;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.StreamFormat;
import dev.tenon.core.storage.common.Unfinished;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Imports the image of a guest as PVE does: the plugin allocates it, which may do more than make a file, and then it is
 * filled. It can be seen before it is finished; if it cannot be finished, it is freed.
 */
final class AllocatedImport implements GuestImport {
    private static final ByteSize SMALLEST_IMAGE = ByteSize.ofBytes(1024);

    @Override
    public VolumeName receive(
            Reception reception, StreamFormat format, ParsedVolume.GuestImage image, boolean allowRename) {
        StoragePlugin plugin = reception.at().plugin();
        Storage storage = reception.at().storage();
        Vmid owner = reception.owner(image);
        Path wanted = Paths.of(plugin.path(storage, reception.volume(), null).path());
        String name = Reception.isTaken(wanted, allowRename) ? null : image.name();
        ByteSize size = reception.size(format);
        VolumeName made = plugin.allocImage(storage, owner, image.format(), name, allocated(size, format));
        try {
            if (name != null && !made.equals(reception.volume())) {
                throw new StorageException(
                        StorageError.BAD_RESULT,
                        Outcome.UNKNOWN,
                        "internal error: unexpected allocated name: '" + made + "' != '" + reception.volume() + "'");
            }
            fill(reception, format, made, size);
            reception.refuseCancelled();
            return made;
        } catch (StorageException e) {
            // An incomplete volume must not stay.
            throw Unfinished.removed(plugin, storage, made, image.format(), e, Runnable::run);
        }
    }

    /** Nobody allocates an empty image, but one that was made empty can arrive. */
    private static ByteSize allocated(ByteSize size, StreamFormat format) {
        return size.bytes() == 0 && format != StreamFormat.TAR ? SMALLEST_IMAGE : size;
    }

    private static void fill(Reception reception, StreamFormat format, VolumeName made, ByteSize size) {
        Locations at = reception.at();
        Path file = Paths.of(at.plugin().path(at.storage(), made, null).path());
        at.refuseWayOut(file, made, ContentType.IMAGES);
        if (format == StreamFormat.TAR) {
            reception.receiveTree(file);
            return;
        }
        try {
            boolean isFile = FileStatus.of(file).isRegularFile();
            if (isFile) {
                empty(file);
            }
            reception.receive(new StreamTarget.Present(file, isFile), format, size);
            reception.check(format, format.volumeFormat(), file, size);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.UNKNOWN, "unable to write volume '" + at.volid(made) + "'");
        }
    }

    /** What the allocation wrote is not part of the stream. */
    private static void empty(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(0);
        }
    }
}
