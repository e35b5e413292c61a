package dev.tenon.core.storage;

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
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes one image. It is made in a hidden directory beside its place and then moved there in one step, so that whatever
 * happens, what is listed is finished.
 */
final class ImageAllocation {
    private static final Logger LOG = LoggerFactory.getLogger(ImageAllocation.class);

    /** What PVE's umask of 0037 leaves of the usual modes; the kernel takes away what our own umask forbids beyond. */
    private static final FileAttribute<Set<PosixFilePermission>> IMAGE_MODE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r-----"));

    private static final FileAttribute<Set<PosixFilePermission>> DIRECTORY_MODE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-----"));
    /** The root directory of a container must be open to all, whatever the umask. */
    private static final Set<PosixFilePermission> SUBVOLUME_MODE = PosixFilePermissions.fromString("rwxr-xr-x");

    private final Path target;
    private final Deque<Path> made = new ArrayDeque<>();

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
        allocation.run(() -> allocation.makeImage(format, size, preallocation));
    }

    /** Makes an empty directory for a container, and the missing directories above it; fails as {@link #image} does. */
    static void subvolume(Path target) {
        ImageAllocation allocation = new ImageAllocation(target);
        allocation.run(allocation::makeSubvolume);
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
            throw new StorageException(e.error(), undo(), e.getMessage(), e);
        }
    }

    private void makeImage(Format.Image format, ByteSize size, Optional<Preallocation> preallocation)
            throws IOException {
        Path guestDirectory = parentOf(target);
        makeDirectories(guestDirectory);
        StagingDirectories.sweep(guestDirectory);
        Path staging = StagingDirectories.create(guestDirectory);
        made.push(staging);
        // a vmdk image contains its own file name, so the name must be the final one from the start
        Path image = staging.resolve(target.getFileName());
        Files.createFile(image, IMAGE_MODE);
        made.push(image);
        QemuImg.create(image, format, size, preallocation);
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        FileMove.withoutReplacing(image, target);
        try {
            Files.delete(staging);
        } catch (IOException e) {
            LOG.warn("empty directory '{}' is left: {}", staging, Failures.reason(e));
        }
    }

    private void makeSubvolume() throws IOException {
        makeDirectories(parentOf(target));
        Files.createDirectory(target);
        made.push(target);
        Files.setPosixFilePermissions(target, SUBVOLUME_MODE);
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
