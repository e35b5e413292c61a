package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.linux.FileStatus;
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
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.StreamFormat;
import dev.tenon.core.storage.common.Unfinished;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a volume of what comes in a stream.
 *
 * <p>A storage of ours gets it whole or not at all: it is received into a hidden directory, checked and then moved to its
 * place. A plugin that only inherits this may do more in its allocation than make a file, which nobody but itself knows, so
 * its images are allocated by it and then filled, as PVE does. They can be seen before they are finished; if they cannot be
 * finished, they are freed. What is no guest's image is not allocated by any plugin, and is received beside the place that
 * the plugin tells.
 */
final class VolumeImport {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeImport.class);

    /** QEMU opens no larger image. */
    private static final long LARGEST_IMAGE = Long.MAX_VALUE & -(1L << 30);

    private static final ByteSize SMALLEST_IMAGE = ByteSize.ofBytes(1024);
    /** A guest has no more images. */
    private static final int MOST_NAMES = 1024;

    private final BasePlugin base;
    private final StoragePlugin plugin;
    private final Storage storage;
    private final VolumeName volume;
    private final ImportStream stream;

    /**
     * Of what comes in this stream.
     *
     * @param plugin the one whose storage it is, which is the base itself if that is a storage of ours
     * @param volume the wanted name
     */
    VolumeImport(BasePlugin base, StoragePlugin plugin, Storage storage, VolumeName volume, ImportStream stream) {
        this.base = base;
        this.plugin = plugin;
        this.storage = storage;
        this.volume = volume;
        this.stream = stream;
    }

    /**
     * Makes the volume.
     *
     * @throws StorageException {@code FAILED_CLEAN} if nothing is left, else {@code UNKNOWN}; {@code NOT_STARTED} if the
     *     stream was not read either
     */
    VolumeId run(String formatWord, Transfer transfer, boolean allowRename) {
        ParsedVolume parsed = plugin.parseVolname(volume);
        StreamFormat format = format(formatWord, transfer, parsed);
        VolumeName made = switch (parsed) {
            case ParsedVolume.GuestImage image ->
                base.answersForAnother()
                        ? allocatedImage(format, image, allowRename)
                        : stagedImage(format, image, allowRename);
            case ParsedVolume.Content content -> content(format, content);
        };
        return new VolumeId(storage.id(), made);
    }

    private StreamFormat format(String word, Transfer transfer, ParsedVolume parsed) {
        StreamFormat format = StreamFormat.ofWord(word).orElseThrow(() -> notAvailable(word));
        if (transfer.withSnapshots() != format.isImageFile()) {
            throw unsupported("format " + word + " cannot be imported " + (format.isImageFile() ? "without" : "with")
                    + " snapshots");
        }
        if (parsed instanceof ParsedVolume.GuestImage && parsed.format() != format.volumeFormat()) {
            throw unsupported("cannot import format " + word + " into a file of format "
                    + parsed.format().word());
        }
        if (transfer.base() != null
                || !plugin.importFormats(storage, volume, transfer).contains(word)) {
            throw notAvailable(word);
        }
        return format;
    }

    private StorageException notAvailable(String word) {
        return unsupported("volume import format '" + word + "' not available for " + plugin.type());
    }

    private StorageException unsupported(String what) {
        return StorageException.refused(StorageError.NOT_SUPPORTED, what + " (volume '" + volid() + "')");
    }

    private String volid() {
        return storage.id() + ":" + volume;
    }

    private VolumeName stagedImage(StreamFormat format, ParsedVolume.GuestImage image, boolean allowRename) {
        Vmid owner = owner(image);
        if (!plugin.pluginData().content().contains(ContentType.IMAGES.word())
                || !plugin.formats(storage).valid().contains(image.format())) {
            throw unsupported("storage '" + storage.id() + "' of type '" + plugin.type()
                    + "' holds no images of format '" + image.format().word() + "'");
        }
        BasePlugin.NewImage wanted = base.newImage(storage, owner, format.volumeFormat(), image.name());
        if (!wanted.volume().equals(volume)) {
            throw unsupported("a linked clone cannot be imported as one: import it as '" + wanted.volume() + "'");
        }
        boolean isTaken = isTaken(wanted.file(), allowRename);
        ByteSize size = size(format);
        ImageAllocation allocation = staged(format, wanted.file(), size);
        try {
            refuseCancelled();
            VolumeName placed = isTaken
                    ? placeElsewhere(allocation, owner, format)
                    : place(allocation, wanted, owner, format, allowRename);
            if (image.isBase() && placed.equals(volume)) {
                BaseImages.protect(wanted.file());
            }
            return placed;
        } catch (RuntimeException e) {
            throw discarded(allocation, e);
        }
    }

    private ImageAllocation staged(StreamFormat format, Path file, ByteSize size) {
        Path directory = file.resolveSibling(".").normalize();
        String name = String.valueOf(file.getFileName());
        return switch (format) {
            case TAR -> ImageAllocation.stagedSubvolume(directory, name, this::receiveTree);
            case RAW, QCOW2, VMDK ->
                ImageAllocation.staged(directory, name, staged -> {
                    receive(new StreamTarget.NewFile(staged), format, size);
                    check(format, format.volumeFormat(), staged, size);
                });
        };
    }

    private void receiveTree(Path directory) {
        stream.receive(new StreamTarget.Tree(directory), null);
    }

    private void receive(StreamTarget target, StreamFormat format, ByteSize size) {
        stream.receive(target, format.isImageFile() ? null : size);
    }

    private VolumeName place(
            ImageAllocation allocation,
            BasePlugin.NewImage image,
            Vmid owner,
            StreamFormat format,
            boolean allowRename) {
        try {
            allocation.place(String.valueOf(image.file().getFileName()));
            return image.volume();
        } catch (StorageException e) {
            if (e.error() != StorageError.ALREADY_EXISTS) {
                throw e;
            }
            if (!allowRename) {
                throw exists(image.file());
            }
            return placeElsewhere(allocation, owner, format);
        }
    }

    /** Others may take the free names too: nobody holds the lock of the storage. */
    private VolumeName placeElsewhere(ImageAllocation allocation, Vmid owner, StreamFormat format) {
        for (int attempt = 1; ; attempt++) {
            BasePlugin.NewImage image = base.newImage(storage, owner, format.volumeFormat(), null);
            try {
                allocation.place(String.valueOf(image.file().getFileName()));
                return image.volume();
            } catch (StorageException e) {
                if (e.error() != StorageError.ALREADY_EXISTS || attempt == MOST_NAMES) {
                    throw e;
                }
            }
        }
    }

    private VolumeName content(StreamFormat format, ParsedVolume.Content content) {
        Path file = Paths.of(plugin.path(storage, volume, null).path());
        if (content.name().startsWith(".")) {
            throw StorageException.refused(
                    StorageError.INVALID_NAME,
                    "unable to import volume '" + volid() + "' - a file whose name begins with a dot is not listed");
        }
        base.bounds(storage, file, content.type()).refuseWayOut(file, volid());
        isTaken(file, false);
        Path directory = file.resolveSibling(".").normalize();
        if (!Files.isDirectory(directory)) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "unable to import volume '" + volid() + "' - directory '" + directory
                            + "' does not exist or is unreachable; make it, or activate the storage");
        }
        ByteSize size = size(format);
        Format.Image promised = content.type() == ContentType.IMPORT && content.format() instanceof Format.Image image
                ? image
                : Format.Image.RAW;
        ImageAllocation allocation =
                ImageAllocation.stagedFile(directory, String.valueOf(file.getFileName()), staged -> {
                    receive(new StreamTarget.Present(staged, true), format, size);
                    check(format, promised, staged, size);
                });
        try {
            refuseCancelled();
            allocation.place(String.valueOf(file.getFileName()));
            return volume;
        } catch (RuntimeException e) {
            throw discarded(
                    allocation,
                    e instanceof StorageException failure && failure.error() == StorageError.ALREADY_EXISTS
                            ? exists(file)
                            : e);
        }
    }

    private static RuntimeException discarded(ImageAllocation allocation, RuntimeException failure) {
        Outcome outcome = allocation.discard();
        return failure instanceof StorageException e
                ? new StorageException(e.error(), outcome, e.getMessage(), e)
                : failure;
    }

    private VolumeName allocatedImage(StreamFormat format, ParsedVolume.GuestImage image, boolean allowRename) {
        Vmid owner = owner(image);
        Path wanted = Paths.of(plugin.path(storage, volume, null).path());
        String name = isTaken(wanted, allowRename) ? null : image.name();
        ByteSize size = size(format);
        VolumeName made = plugin.allocImage(storage, owner, image.format(), name, allocated(size, format));
        try {
            if (name != null && !made.equals(volume)) {
                throw new StorageException(
                        StorageError.BAD_RESULT,
                        Outcome.UNKNOWN,
                        "internal error: unexpected allocated name: '" + made + "' != '" + volume + "'");
            }
            fill(format, made, size);
            refuseCancelled();
            return made;
        } catch (StorageException e) {
            // A volume that is not whole is none.
            throw Unfinished.removed(plugin, storage, made, image.format(), e, Runnable::run);
        }
    }

    /** Nobody allocates an empty image, but one that somebody made empty can come. */
    private static ByteSize allocated(ByteSize size, StreamFormat format) {
        return size.bytes() == 0 && format != StreamFormat.TAR ? SMALLEST_IMAGE : size;
    }

    private void fill(StreamFormat format, VolumeName made, ByteSize size) {
        Path file = Paths.of(plugin.path(storage, made, null).path());
        base.bounds(storage, file, ContentType.IMAGES).refuseWayOut(file, storage.id() + ":" + made);
        if (format == StreamFormat.TAR) {
            receiveTree(file);
            return;
        }
        try {
            boolean isFile = FileStatus.of(file).isRegularFile();
            if (isFile) {
                empty(file);
            }
            receive(new StreamTarget.Present(file, isFile), format, size);
            check(format, format.volumeFormat(), file, size);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.UNKNOWN, "unable to write volume '" + storage.id() + ":" + made + "'");
        }
    }

    /** What the allocation wrote is not part of what comes. */
    private static void empty(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(0);
        }
    }

    private Vmid owner(ParsedVolume.GuestImage image) {
        Vmid owner = image.owner();
        if (owner == null) {
            throw unsupported("an image that belongs to no guest cannot be imported");
        }
        return owner;
    }

    /** Whether the place is taken and another may be chosen. */
    private static boolean isTaken(Path file, boolean allowRename) {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        if (!allowRename) {
            throw exists(file);
        }
        LOG.warn("file '{}' already exists - importing with a different name", file);
        return true;
    }

    private static StorageException exists(Path file) {
        return StorageException.refused(StorageError.ALREADY_EXISTS, "file '" + file + "' already exists");
    }

    private ByteSize size(StreamFormat format) {
        ByteSize size = stream.size();
        if (format == StreamFormat.TAR && size.bytes() != 0) {
            throw badSize(StorageError.NOT_SUPPORTED, size, "storage does not support subvol quotas");
        }
        if (size.bytes() > LARGEST_IMAGE) {
            throw badSize(StorageError.BAD_PARAMETER, size, "no image can be larger than " + LARGEST_IMAGE + " bytes");
        }
        return size;
    }

    private StorageException badSize(StorageError error, ByteSize size, String why) {
        return new StorageException(
                error,
                Outcome.FAILED_CLEAN,
                "unable to import volume '" + volid() + "' - the stream says that its size is " + size.bytes()
                        + " bytes: " + why);
    }

    /**
     * Checks a file that was received, whose length the stream has checked.
     *
     * @param promised what its name says it is
     * @param size what the stream said
     */
    private void check(StreamFormat format, Format.Image promised, Path file, ByteSize size) {
        if (promised == Format.Image.RAW) {
            return;
        }
        try {
            StorageBounds bounds = StorageBounds.of(file.resolveSibling(".").normalize());
            ImageInfo info = ImageReferences.checkForeign(volid(), file, promised, bounds);
            if (format.isImageFile() && !info.size().equals(size)) {
                throw broken("the stream says that its size is " + size.bytes() + " bytes, but the image has "
                        + info.size().bytes());
            }
        } catch (IOException e) {
            throw Failures.of(e, Outcome.UNKNOWN, "unable to read what was received as volume '" + volid() + "'");
        }
        refuseIncomplete(promised, file);
    }

    /** A header comes first, and tells nothing of where the stream ends. */
    private void refuseIncomplete(Format.Image format, Path file) {
        boolean isSound;
        try {
            isSound = QemuImg.check(file, format) != QemuImg.Health.CORRUPT;
        } catch (StorageException e) {
            if (e.error() != StorageError.COMMAND_FAILED
                    || Thread.currentThread().isInterrupted()) {
                throw e;
            }
            LOG.debug("what was received as volume '{}' cannot be checked", volid(), e);
            isSound = false;
        }
        if (!isSound) {
            throw broken("not all of the image has come, or its tables contradict each other: qemu-img check -f "
                    + format.word() + " finds errors in it");
        }
    }

    private StorageException broken(String why) {
        return new StorageException(
                StorageError.STREAM_BROKEN, Outcome.UNKNOWN, "unable to import volume '" + volid() + "' - " + why);
    }

    /** Who cancels when all has come finds no volume either. */
    private void refuseCancelled() {
        if (Thread.currentThread().isInterrupted()) {
            throw new StorageException(
                    StorageError.CANCELLED, Outcome.UNKNOWN, "the import of volume '" + volid() + "' was cancelled");
        }
    }
}
