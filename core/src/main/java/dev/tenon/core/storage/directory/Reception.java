package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StreamTarget;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.StreamFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes what comes in the stream of a volume, and checks it.
 *
 * @param at the storage that gets the volume
 * @param volume the wanted name
 */
record Reception(Locations at, VolumeName volume, ImportStream stream) {
    private static final Logger LOG = LoggerFactory.getLogger(Reception.class);

    /** QEMU opens no larger image. */
    private static final long LARGEST_IMAGE = Long.MAX_VALUE & -(1L << 30);

    String volid() {
        return at.volid(volume);
    }

    StorageException unsupported(String what) {
        return StorageException.refused(StorageError.NOT_SUPPORTED, what + " (volume '" + volid() + "')");
    }

    /** Receives the files of a container into this directory. */
    void receiveTree(Path directory) {
        stream.receive(new StreamTarget.Tree(directory), null);
    }

    /** Receives an image. */
    void receive(StreamTarget target, StreamFormat format, ByteSize size) {
        stream.receive(target, format.isImageFile() ? null : size);
    }

    Vmid owner(ParsedVolume.GuestImage image) {
        Vmid owner = image.owner();
        if (owner == null) {
            throw unsupported("an image that belongs to no guest cannot be imported");
        }
        return owner;
    }

    /** Whether the place is taken and another may be chosen. */
    static boolean isTaken(Path file, boolean allowRename) {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        if (!allowRename) {
            throw exists(file);
        }
        LOG.warn("file '{}' already exists - importing with a different name", file);
        return true;
    }

    static StorageException exists(Path file) {
        return StorageException.refused(StorageError.ALREADY_EXISTS, "file '" + file + "' already exists");
    }

    /** The size that the stream announces, if a volume may have it. */
    ByteSize size(StreamFormat format) {
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
    void check(StreamFormat format, Format.Image promised, Path file, ByteSize size) {
        if (promised == Format.Image.RAW) {
            return;
        }
        try {
            StorageBounds bounds = StorageBounds.of(file.resolveSibling(".").normalize());
            ImageInfo info = ImageReferences.checkReceived(volid(), file, promised, bounds);
            if (format.isImageFile() && !info.size().equals(size)) {
                throw broken("the stream says that its size is " + size.bytes() + " bytes, but the image has "
                        + info.size().bytes());
            }
        } catch (IOException e) {
            throw Failures.of(e, Outcome.UNKNOWN, "unable to read what was received as volume '" + volid() + "'");
        }
        refuseIncomplete(promised, file);
    }

    /** The header comes first, and does not tell where the stream ends. */
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

    /** A cancel that comes after all data still leaves no volume. */
    void refuseCancelled() {
        if (Thread.currentThread().isInterrupted()) {
            throw new StorageException(
                    StorageError.CANCELLED, Outcome.UNKNOWN, "the import of volume '" + volid() + "' was cancelled");
        }
    }
}
