package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.linux.FileSystemStatus;
import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.storage.common.VolumeNames;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Looks at the files in the directory of a guest, each for itself. */
record GuestDirectoryExaminer(Storage storage, Findings findings) {
    private static final int WRITE_BITS = 0222;

    /** Looks into this directory, and adds its images. */
    void examine(Path directory, List<Found> found) {
        if (isEmpty(directory)) {
            findings.automatic(
                    Kind.DIRECTORY_EMPTY,
                    directory,
                    "directory '" + directory + "' is of a guest that has no images here",
                    "remove it if it is still empty",
                    null,
                    () -> removeEmpty(directory));
        }
        for (String name : Examination.names(storage, directory)) {
            Path file = directory.resolve(name);
            if (SnapshotChain.isSnapshotName(name)) {
                examineImage(file, Format.Image.QCOW2, true).ifPresent(found::add);
            } else {
                VolumeNames.ImageName.find(name).ifPresent(image -> {
                    examineImage(file, image.format(), false).ifPresent(found::add);
                    if (name.startsWith("base-")) {
                        examineProtection(file);
                    }
                });
            }
        }
    }

    private static void removeEmpty(Path directory) throws IOException {
        try {
            Files.deleteIfExists(directory);
        } catch (DirectoryNotEmptyException e) {
            // somebody uses it now
        }
    }

    private boolean isEmpty(Path directory) {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.findAny().isEmpty();
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            throw Findings.unreadable(storage, directory, e);
        }
    }

    private Optional<Found> examineImage(Path file, Format.Image format, boolean isSnapshot) {
        ImageInfo info;
        try {
            info = ImageInfo.read(file, format);
        } catch (NoSuchFileException e) {
            return Optional.empty(); // gone meanwhile, or a link to nothing
        } catch (IOException e) {
            unreadable(file, format, Failures.reason(e));
            return Optional.of(new Found(file, isSnapshot, null));
        }
        if (info.defect() != null) {
            unreadable(file, format, info.defect());
        }
        Path backing = backing(file, info.backingFile());
        if (backing != null && !Files.exists(backing)) {
            findings.byHand(
                    Kind.BACKING_MISSING,
                    file,
                    "image '" + file + "' is based on " + Quoted.of(String.valueOf(info.backingFile()))
                            + ", which is missing, so nothing of it can be read",
                    Certainty.SURE,
                    "put '" + backing
                            + "' back, from a backup or from wherever it was moved; if the image is not needed,"
                            + " free it",
                    null);
        }
        return Optional.of(new Found(file, isSnapshot, backing));
    }

    private void unreadable(Path file, Format.Image format, String why) {
        findings.byHand(
                Kind.IMAGE_UNREADABLE,
                file,
                "'" + file + "' is not an image of format '" + format.word() + "', as its name says: " + why,
                Certainty.SURE,
                "restore it from a backup, or free it if it is not needed",
                null);
    }

    /** Null if the name has a protocol, so that it does not name a file of the storage. */
    private static @Nullable Path backing(Path file, @Nullable String name) {
        if (name == null) {
            return null;
        }
        int colon = name.indexOf(':');
        int slash = name.indexOf('/');
        if (colon >= 0 && (slash < 0 || colon < slash)) {
            return null;
        }
        try {
            return file.resolveSibling(Path.of(name)).normalize();
        } catch (InvalidPathException e) {
            return null;
        }
    }

    private void examineProtection(Path file) {
        try {
            boolean isWritable = (FileStatus.ofLink(file).permissions() & WRITE_BITS) != 0;
            // Where files have no modes of their own, a base image cannot be protected.
            if (isWritable && FileSystemStatus.of(file).hasModes()) {
                findings.automatic(
                        Kind.BASE_WRITABLE,
                        file,
                        "base image '" + file + "' may be written, which would spoil its linked clones",
                        "make it read-only",
                        null,
                        () -> BaseImages.protect(file));
            }
        } catch (NoSuchFileException e) {
            // gone meanwhile
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to examine '" + file + "'");
        }
    }
}
