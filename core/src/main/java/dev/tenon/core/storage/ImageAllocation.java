package dev.tenon.core.storage;

import dev.tenon.core.failure.Failures;
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
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
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
 * Makes one image. It is made in a hidden directory beside its place and then moved there in one step, so that whatever
 * happens, what is listed is finished.
 */
final class ImageAllocation {
    private static final Logger LOG = LoggerFactory.getLogger(ImageAllocation.class);

    /** What PVE's umask of 0037 leaves of the usual modes; the kernel takes away what our own umask forbids beyond. */
    private static final String IMAGE_MODE = "rw-r-----";

    private static final FileAttribute<Set<PosixFilePermission>> DIRECTORY_MODE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-----"));
    /** The root directory of a container must be open to all, whatever the umask. */
    private static final Set<PosixFilePermission> SUBVOLUME_MODE = PosixFilePermissions.fromString("rwxr-xr-x");

    private final Path target;
    private final Deque<Path> made = new ArrayDeque<>();
    private boolean isPlacing;
    private @Nullable Path staged;

    private ImageAllocation(Path target) {
        this.target = target;
    }

    /**
     * Makes an image file and the missing directories above it.
     *
     * @param size virtual size, rounded up to KiB
     * @throws StorageException {@code FAILED_CLEAN} if everything made is gone again, else {@code UNKNOWN}
     */
    static void image(Path target, Format.Image format, ByteSize size, Optional<Preallocation> preallocation) {
        ImageAllocation allocation = new ImageAllocation(target);
        allocation.run(() -> allocation.makeImage(
                image -> QemuImg.create(image, format, size, preallocation), FileMove::withoutReplacing));
    }

    /**
     * Makes an image of what somebody writes, in the directory of this guest but not in its place yet; fails as {@link
     * #image} does.
     *
     * @param fileName what it is called meanwhile
     * @param filling makes this file
     */
    static ImageAllocation staged(Path guestDirectory, String fileName, Consumer<Path> filling) {
        ImageAllocation allocation = new ImageAllocation(guestDirectory.resolve(fileName));
        allocation.run(() -> allocation.staged = allocation.stage(image -> {
            allocation.made.push(image);
            filling.accept(image);
            narrow(image);
        }));
        return allocation;
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

    /** Removes a staged image that was not placed. */
    void discard() {
        if (staged != null) {
            staged = null;
            undo();
        }
    }

    /** Whoever made the file cannot know which modes images have. */
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

    /** Makes a qcow2 image on top of another, and puts it into its place in another way than a plain move. */
    static void overlay(Path target, Below below, Optional<Preallocation> preallocation, Placing placing) {
        ImageAllocation allocation = new ImageAllocation(target);
        allocation.run(() -> allocation.makeImage(
                image -> QemuImg.createOverlay(image, below.name(), below.format(), below.size(), preallocation),
                placing));
    }

    /** Makes an empty directory for a container, and the missing directories above it; fails as {@link #image} does. */
    static void subvolume(Path target) {
        ImageAllocation allocation = new ImageAllocation(target);
        allocation.run(allocation::makeSubvolume);
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
        }
    }

    private void makeImage(Consumer<Path> filling, Placing placing) throws IOException {
        makeFile(
                image -> {
                    Files.createFile(
                            image, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(IMAGE_MODE)));
                    made.push(image);
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

    private Path stage(Filling filling) throws IOException {
        Path guestDirectory = parentOf(target);
        makeDirectories(guestDirectory);
        StagingDirectories.sweep(guestDirectory);
        Path staging = StagingDirectories.create(guestDirectory);
        made.push(staging);
        // a vmdk image contains its own file name, so the name must be the final one from the start
        Path image = staging.resolve(target.getFileName());
        filling.fill(image);
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        return image;
    }

    private void makeSubvolume() throws IOException {
        Path guestDirectory = parentOf(target);
        makeDirectories(guestDirectory);
        Path staging = StagingDirectories.create(guestDirectory);
        made.push(staging);
        Path subvolume = Files.createDirectory(staging.resolve(target.getFileName()));
        made.push(subvolume);
        Files.setPosixFilePermissions(subvolume, SUBVOLUME_MODE);
        FileMove.withoutReplacing(subvolume, target);
        finish(staging);
    }

    /** The image is in its place. */
    private void finish(Path staging) {
        Durable.nameOf(target);
        made.stream().filter(target::startsWith).forEach(Durable::nameOf);
        try {
            Files.delete(staging);
        } catch (IOException e) {
            LOG.warn("empty directory '{}' is left: {}", staging, Failures.reason(e));
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
        Outcome outcome = Outcome.FAILED_CLEAN;
        for (Path path : made) {
            try {
                Files.deleteIfExists(path);
            } catch (DirectoryNotEmptyException e) {
                LOG.debug("directory '{}' is used by somebody else", path);
            } catch (IOException e) {
                LOG.warn("'{}' is left after a failed allocation: {}", path, Failures.reason(e));
                outcome = Outcome.UNKNOWN;
            }
        }
        return outcome;
    }

    private static Path parentOf(Path path) {
        Path parent = path.getParent();
        if (parent == null) {
            throw new IllegalArgumentException("'" + path + "' has no parent");
        }
        return parent;
    }
}
