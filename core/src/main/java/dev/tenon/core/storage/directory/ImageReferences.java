package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Refuses images that would make QEMU open files outside their storage. A guest that can write its own image's header, or
 * an image that was uploaded, could read and overwrite the host's files that way.
 */
final class ImageReferences {
    /** QEMU gives up somewhere above 200; a longer chain is a loop. */
    private static final int LONGEST_CHAIN = 256;

    private final String volume;
    private final StorageBounds bounds;

    /** The image that has no known name yet; null if all have one. */
    private final @Nullable Path received;

    private ImageReferences(String volume, StorageBounds bounds, @Nullable Path received) {
        this.volume = volume;
        this.bounds = bounds;
        this.received = received;
    }

    /**
     * Checks the image and those it is based on, as far as they exist.
     *
     * @param volume the volume, for the messages
     * @return what the image's own header says
     * @throws StorageException {@code UNSAFE_IMAGE}
     * @throws IOException if the image cannot be read
     */
    static ImageInfo check(String volume, Path file, Format.Image format, StorageBounds bounds) throws IOException {
        ImageInfo info = ImageInfo.read(file, format);
        new ImageReferences(volume, bounds, null).check(file, format, info);
        return info;
    }

    /**
     * Checks an image that somebody brought: it must be of its format, hold all its data itself and be based on nothing,
     * not even in the storage, where every other guest's images lie.
     *
     * @throws StorageException {@code UNSAFE_IMAGE}
     */
    static ImageInfo checkForeign(String volume, Path file, Format.Image format, StorageBounds bounds)
            throws IOException {
        return new ImageReferences(volume, bounds, null).checkForeign(file, format);
    }

    /** The same for an image that was just received under a name that its sender does not know. */
    static ImageInfo checkReceived(String volume, Path file, Format.Image format, StorageBounds bounds)
            throws IOException {
        return new ImageReferences(volume, bounds, file).checkForeign(file, format);
    }

    private ImageInfo checkForeign(Path file, Format.Image format) throws IOException {
        ImageInfo info = ImageInfo.read(file, format);
        if (info.defect() == null && info.backingFile() != null) {
            throw unsafe(
                    file,
                    "backing file not allowed for untrusted image: it is based on " + Quoted.of(info.backingFile())
                            + "; convert it to an image of its own, or remove it",
                    null);
        }
        check(file, format, info);
        return info;
    }

    private void check(Path file, Format.Image fileFormat, ImageInfo image) throws IOException {
        Path current = file;
        Format.Image format = fileFormat;
        ImageInfo info = image;
        for (int depth = 0; depth < LONGEST_CHAIN; depth++) {
            if (info.defect() != null) {
                throw unsafe(current, info.defect() + ": Image is not in " + format.word() + " format", null);
            }
            if (info.dataFile() != null) {
                throw unsafe(
                        current,
                        "it keeps its data in another file, " + Quoted.of(info.dataFile())
                                + "; convert it to an image without an external data file, or free it",
                        null);
            }
            String backing = info.backingFile();
            if (backing == null) {
                return;
            }
            Path next = resolve(current, backing);
            if (next == null) {
                return;
            }
            format = backingFormat(next, info.backingFormat());
            info = ImageInfo.read(next, format);
            current = next;
        }
        throw unsafe(current, "more than " + LONGEST_CHAIN + " images are based on each other; free it", null);
    }

    /** The real path of the backing file, null if there is no such file. */
    private @Nullable Path resolve(Path image, String backing) throws IOException {
        int colon = backing.indexOf(':');
        int slash = backing.indexOf('/');
        if (colon >= 0 && (slash < 0 || colon < slash)) {
            throw outside(image, backing, null);
        }
        Path directory = image.toRealPath().getParent();
        Path path;
        try {
            path = directory == null ? Path.of(backing) : directory.resolve(backing);
        } catch (InvalidPathException e) {
            throw outside(image, backing, e);
        }
        if (!bounds.holds(path)) {
            throw outside(image, backing, null);
        }
        try {
            Path real = path.toRealPath();
            if (!bounds.holdsReal(real)) {
                throw outside(image, backing, null);
            }
            return real;
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    private Format.Image backingFormat(Path file, @Nullable String named) throws IOException {
        FileStatus status = FileStatus.of(file);
        if (!status.isRegularFile() && !status.isBlockDevice()) {
            throw unsafe(file, "it is a backing file and no image", null);
        }
        if (named != null) {
            return Format.Image.ofWord(named)
                    .filter(format -> format != Format.Image.SUBVOL)
                    .orElseThrow(() -> unsafe(
                            file,
                            "it is a backing file of format " + Quoted.of(named) + ", which is not supported",
                            null));
        }
        Format.Image promised = promisedFormat(file);
        if (promised == Format.Image.RAW && ImageInfo.mayNameOtherFiles(file)) {
            throw unsafe(
                    file,
                    "it is a raw backing file that begins like an image with a header, and the image above it does not"
                            + " name its format; write the format into that image with qemu-img rebase -u -F raw",
                    null);
        }
        return promised;
    }

    private static Format.Image promisedFormat(Path file) {
        String name = file.toString();
        return Format.Image.ofWord(name.substring(name.lastIndexOf('.') + 1))
                .filter(format -> format != Format.Image.SUBVOL)
                .orElse(Format.Image.RAW);
    }

    private StorageException outside(Path image, String backing, @Nullable Throwable cause) {
        return unsafe(
                image,
                "it is based on " + Quoted.of(backing)
                        + ", which is not a file of its storage; copy its contents into a new image, or free it",
                cause);
    }

    private StorageException unsafe(Path image, String why, @Nullable Throwable cause) {
        return new StorageException(
                StorageError.UNSAFE_IMAGE,
                Outcome.NOT_STARTED,
                "volume '" + volume + "' is not safe to use because of "
                        + (image.equals(received) ? "what was received" : "'" + image + "'") + ": " + why,
                cause);
    }

    /** The sentence for an image that cannot be read. */
    static StorageException unreadable(String volume, Path file, IOException failure) {
        if (failure instanceof NoSuchFileException) {
            return new StorageException(
                    StorageError.NOT_FOUND, Outcome.NOT_STARTED, "volume '" + volume + "' does not exist", failure);
        }
        return Failures.of(failure, Outcome.NOT_STARTED, "unable to read volume '" + volume + "' at '" + file + "'");
    }
}
