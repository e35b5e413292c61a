package dev.tenon.core.storage.directory;

import dev.tenon.core.command.Command;
import dev.tenon.core.failure.Failures;
import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.image.Preallocation;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes one image, or another file of a storage. It is made in a hidden directory beside its place and then moved there in
 * one step, so that whatever happens, what is listed is finished.
 */
final class ImageAllocation {
    private static final Logger LOG = LoggerFactory.getLogger(ImageAllocation.class);

    /** What PVE's umask of 0037 leaves of the usual modes; the kernel takes away what our own umask forbids beyond. */
    private static final String IMAGE_MODE = "rw-r-----";

    private static final FileAttribute<Set<PosixFilePermission>> DIRECTORY_MODE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-----"));
    /** How often making a directory is retried, because somebody whose own work failed removed the one above it. */
    private static final int MOST_ATTEMPTS = 16;

    private static final Duration SYNC_DEADLINE = Duration.ofHours(1);

    private final Path target;
    private final Format.Image format;
    private final ImageCreation creation;
    private final Deque<Path> made = new ArrayDeque<>();
    private boolean isPlacing;
    private @Nullable Path staging;
    private @Nullable Path staged;

    private ImageAllocation(ImageCreation creation, Path target, Format.Image format) {
        this.creation = creation;
        this.target = target;
        this.format = format;
    }

    /**
     * Makes an empty image, a subvolume too, and the missing directories above it.
     *
     * @param size virtual size, rounded up to KiB
     * @throws StorageException {@code FAILED_CLEAN} if everything made is gone again, else {@code UNKNOWN}
     */
    static void image(
            ImageCreation creation, NewImages.NewImage image, ByteSize size, Optional<Preallocation> preallocation) {
        ImageAllocation allocation = new ImageAllocation(creation, image.entry(), image.format());
        switch (image.format()) {
            case SUBVOL -> allocation.run(allocation::makeSubvolume);
            case RAW, QCOW2, VMDK ->
                allocation.run(() -> allocation.makeImage(
                        file -> QemuImg.create(file, image.format(), size, preallocation), FileMove::withoutReplacing));
        }
    }

    /**
     * Makes an image of what somebody writes, in the directory of this guest but not in its place yet; fails as {@link
     * #image} does.
     *
     * @param image what it is called meanwhile
     * @param filling makes this file
     */
    static ImageAllocation staged(ImageCreation creation, NewImages.NewImage image, Consumer<Path> filling) {
        ImageAllocation allocation = new ImageAllocation(creation, image.entry(), image.format());
        allocation.run(() -> allocation.staged = allocation.stage(file -> {
            allocation.fill(file, filling);
            narrow(file);
        }));
        return allocation;
    }

    /** As {@link #staged}, of a file that is no image: it is there and empty before, with the usual mode. */
    static ImageAllocation stagedFile(Path directory, String fileName, Consumer<Path> filling) {
        ImageAllocation allocation =
                new ImageAllocation(ImageCreation.FILES, directory.resolve(fileName), Format.Image.RAW);
        allocation.run(() -> allocation.staged = allocation.stage(file -> {
            Files.createFile(file);
            allocation.fill(file, filling);
        }));
        return allocation;
    }

    /** As {@link #staged}, of a directory for a container; the filling finds it empty. */
    static ImageAllocation stagedSubvolume(ImageCreation creation, NewImages.NewImage image, Consumer<Path> filling) {
        ImageAllocation allocation = new ImageAllocation(creation, image.entry(), Format.Image.SUBVOL);
        allocation.run(() -> {
            Path subvolume = allocation.makeEntry();
            allocation.fill(subvolume, filling);
            Command.of("sync", "-f", subvolume.toString())
                    .withErrorPrefix("unable to write '" + subvolume + "' to the disk")
                    .withDeadline(SYNC_DEADLINE)
                    .run();
            allocation.staged = subvolume;
        });
        return allocation;
    }

    /** Whoever fills it may take days. */
    private void fill(Path file, Consumer<Path> filling) {
        Path directory = Objects.requireNonNull(staging, "staged");
        StagingDirectories.keeping(directory, StagingDirectories.KEPT_EVERY, () -> filling.accept(file));
    }

    /** Puts a staged image into its place, in the directory that it was staged for; fails as {@link #image} does. */
    void place(String fileName) {
        Path image = Objects.requireNonNull(staged, "staged and not placed");
        Path place = target.resolveSibling(fileName);
        try {
            FileMove.withoutReplacing(image, place);
        } catch (FileAlreadyExistsException e) {
            throw new StorageException(
                    StorageError.ALREADY_EXISTS, Outcome.NOT_STARTED, "disk image '" + place + "' already exists", e);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to create image '" + place + "'");
        }
        staged = null;
        finish(parentOf(image));
    }

    /**
     * Removes a staged image that was not placed.
     *
     * @return whether everything made is gone again
     */
    Outcome discard() {
        if (staged == null) {
            return Outcome.FAILED_CLEAN;
        }
        staged = null;
        return undo();
    }

    /** Whoever made the file cannot know the modes of images. */
    private static void narrow(Path image) throws IOException {
        Set<PosixFilePermission> mode = new HashSet<>(Files.getPosixFilePermissions(image));
        mode.retainAll(PosixFilePermissions.fromString(IMAGE_MODE));
        Files.setPosixFilePermissions(image, mode);
    }

    /**
     * What a qcow2 image is put on top of.
     *
     * @param name the image below, as it is written into the new one
     * @param size its virtual size, which the new one has too
     */
    record Below(String name, Format.Image format, ByteSize size) {}

    /** Makes a qcow2 image on top of another, and the missing directories above it; fails as {@link #image} does. */
    static void overlay(Path target, Below below, Optional<Preallocation> preallocation) {
        overlay(target, below, preallocation, FileMove::withoutReplacing);
    }

    /** Makes a qcow2 image on top of another, and puts it into place by something other than a plain move. */
    static void overlay(Path target, Below below, Optional<Preallocation> preallocation, Placing placing) {
        ImageAllocation allocation = new ImageAllocation(ImageCreation.FILES, target, Format.Image.QCOW2);
        allocation.run(() -> allocation.makeImage(
                image -> QemuImg.createOverlay(image, below.name(), below.format(), below.size(), preallocation),
                placing));
    }

    /**
     * Puts a finished image into its place. If it fails, nothing is changed, or the outcome of what it throws is
     * {@code UNKNOWN}.
     */
    interface Placing {
        void place(Path image, Path target) throws IOException;
    }

    private interface Making {
        void run() throws IOException;
    }

    private void run(Making making) {
        try {
            making.run();
        } catch (FileAlreadyExistsException e) {
            throw new StorageException(
                    StorageError.ALREADY_EXISTS, undo(), "disk image '" + target + "' already exists", e);
        } catch (IOException e) {
            throw Failures.of(e, undo(), "unable to create image '" + target + "'");
        } catch (StorageException e) {
            Outcome outcome = undo();
            throw new StorageException(
                    e.error(), isPlacing && e.outcome() == Outcome.UNKNOWN ? e.outcome() : outcome, e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            undo();
            throw e;
        }
    }

    private void makeImage(Consumer<Path> filling, Placing placing) throws IOException {
        makeFile(
                image -> {
                    Files.createFile(
                            image, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(IMAGE_MODE)));
                    filling.accept(image);
                },
                placing);
    }

    private interface Filling {
        void fill(Path image) throws IOException;
    }

    private void makeFile(Filling filling, Placing placing) throws IOException {
        Path image = stage(filling);
        isPlacing = true;
        placing.place(image, target);
        finish(parentOf(image));
    }

    /** The entry, in which the image is finished. */
    private Path stage(Filling filling) throws IOException {
        Path entry = makeEntry();
        Path image = creation.content(entry, format);
        filling.fill(image);
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        return entry;
    }

    private void makeSubvolume() throws IOException {
        Path subvolume = makeEntry();
        FileMove.withoutReplacing(subvolume, target);
        finish(parentOf(subvolume));
    }

    private Path makeEntry() throws IOException {
        // a vmdk image contains its own file name, so the name must be the final one from the start
        Path entry = makeStaging().resolve(target.getFileName());
        creation.make(entry, format);
        return entry;
    }

    private Path makeStaging() throws IOException {
        Path directory = parentOf(target);
        for (int attempt = 1; ; attempt++) {
            try {
                makeDirectories(directory);
                StagingDirectories.sweep(directory, creation);
                Path created = StagingDirectories.create(directory);
                staging = created;
                return created;
            } catch (NoSuchFileException e) {
                if (attempt == MOST_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    /** The image is in its place. */
    private void finish(Path emptied) {
        Durable.nameOf(target);
        made.stream().filter(target::startsWith).forEach(Durable::nameOf);
        try {
            Files.delete(emptied);
        } catch (IOException e) {
            LOG.warn("empty directory '{}' is left: {}", emptied, Failures.reason(e));
        }
    }

    private void makeDirectories(Path directory) throws IOException {
        if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        makeDirectories(parentOf(directory));
        try {
            Files.createDirectory(directory, DIRECTORY_MODE);
            made.push(directory);
        } catch (FileAlreadyExistsException e) {
            LOG.debug("directory '{}' was made by somebody else", directory);
        }
    }

    /** Removes what was made, latest first. */
    private Outcome undo() {
        // The work may have been interrupted, but its traces must be removed.
        return Uninterrupted.call(() -> {
            Outcome outcome = staging == null ? Outcome.FAILED_CLEAN : removeStaging(staging);
            for (Path directory : made) {
                try {
                    Files.deleteIfExists(directory);
                } catch (DirectoryNotEmptyException e) {
                    LOG.debug("directory '{}' is used by somebody else", directory);
                } catch (IOException e) {
                    outcome = left(directory, Failures.reason(e));
                }
            }
            return outcome;
        });
    }

    private Outcome removeStaging(Path directory) {
        try {
            StagingDirectories.remove(directory, creation);
            return Outcome.FAILED_CLEAN;
        } catch (IOException e) {
            return left(directory, Failures.reason(e));
        } catch (StorageException e) {
            return left(directory, e.getMessage());
        }
    }

    private static Outcome left(Path path, String why) {
        LOG.warn("'{}' is left after a failed allocation: {}", path, why);
        return Outcome.UNKNOWN;
    }

    private static Path parentOf(Path path) {
        Path parent = path.getParent();
        if (parent == null) {
            throw new IllegalArgumentException("'" + path + "' has no parent");
        }
        return parent;
    }
}
