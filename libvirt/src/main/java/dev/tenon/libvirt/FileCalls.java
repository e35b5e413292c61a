package dev.tenon.libvirt;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.linux.FileSystemStatus;
import dev.tenon.core.linux.LinklessPath;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The calls for files, each on what was found without following a symbolic link. */
final class FileCalls {
    private static final int FILE_PERMISSIONS = 0600;
    private static final int DIRECTORY_PERMISSIONS = 0755;

    private FileCalls() {}

    /** What a location has at this path. */
    static Optional<VirStorageStat> stat(Path path) {
        try (LinklessPath found = LinklessPath.open(path)) {
            FileStatus status = found.status();
            if (status.isRegularFile()) {
                return Optional.of(new VirStorageStat(VirStorageStat.Type.FILE, status.size()));
            }
            if (status.isDirectory()) {
                return Optional.of(new VirStorageStat(VirStorageStat.Type.DIR, status.size()));
            }
            throw StorageException.refused(
                    StorageError.UNSAFE_IMAGE,
                    "path " + Quoted.of(path.toString())
                            + " is a device, pipe or socket, and a location holds only files and directories");
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw refused(e, path, "look at");
        }
    }

    /** What is at the path of a volume, which may be a link to the device. */
    static Optional<VirStorageStat> statOfVolume(Path path) {
        try {
            FileStatus status = FileStatus.of(path);
            // That of a container on ZFS.
            if (status.isDirectory()) {
                return Optional.of(new VirStorageStat(VirStorageStat.Type.DIR, status.size()));
            }
            boolean isDevice = status.isBlockDevice();
            try (SparseFile volume = SparseFile.open(path)) {
                return Optional.of(new VirStorageStat(
                        isDevice ? VirStorageStat.Type.BLOCK : VirStorageStat.Type.FILE, volume.size()));
            }
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw refused(e, path, "look at");
        }
    }

    static VirStorageStatVfs statVfs(Path path) {
        try (LinklessPath found = LinklessPath.open(path)) {
            FileSystemStatus room = found.fileSystem();
            return new VirStorageStatVfs(room.blockSize(), room.available() / room.blockSize());
        } catch (IOException e) {
            throw refused(e, path, "look at the file system of");
        }
    }

    /**
     * Makes a file.
     *
     * @param makesDirectory whether the directory that it is in is made if it is missing
     */
    static void create(Path path, long size, boolean isSparse, boolean makesDirectory) {
        Path above = parent(path);
        try (LinklessPath directory = LinklessPath.open(above)) {
            refuseTooLarge(directory, path, size);
            createIn(directory, path, size, isSparse);
        } catch (NoSuchFileException e) {
            if (!makesDirectory) {
                throw refused(e, above, "find the directory");
            }
            createWithDirectory(path, size, isSparse);
        } catch (IOException e) {
            throw refused(e, above, "open the directory");
        }
    }

    private static void createWithDirectory(Path path, long size, boolean isSparse) {
        Path above = parent(path);
        try (LinklessPath parent = LinklessPath.open(parent(above))) {
            refuseTooLarge(parent, path, size);
            String name = String.valueOf(above.getFileName());
            boolean isMade = parent.makeDirectory(name, DIRECTORY_PERMISSIONS);
            try (LinklessPath directory = parent.open(name)) {
                if (isMade) {
                    parent.sync();
                }
                createIn(directory, path, size, isSparse);
            } catch (IOException | StorageException e) {
                if (isMade) {
                    throw withoutDirectory(
                            parent,
                            name,
                            e instanceof StorageException failure
                                    ? failure
                                    : refused((IOException) e, above, "make the directory"));
                }
                throw e;
            }
        } catch (IOException e) {
            throw refused(e, above, "make the directory");
        }
    }

    /** Removes a directory that was made for a file, unless somebody uses it by now. */
    private static StorageException withoutDirectory(LinklessPath parent, String name, StorageException failure) {
        try {
            parent.deleteDirectory(name);
            return failure;
        } catch (IOException e) {
            failure.addSuppressed(e);
            return new StorageException(
                    failure.error(),
                    Outcome.UNKNOWN,
                    failure.getMessage() + "; directory " + Quoted.of(name)
                            + " is left, since it could not be removed: " + e.getMessage(),
                    failure);
        }
    }

    private static void refuseTooLarge(LinklessPath directory, Path path, long size) throws IOException {
        long room = directory.fileSystem().available();
        if (room < size) {
            throw StorageException.refused(
                    StorageError.NO_SPACE,
                    "a file of " + ByteSize.ofBytes(size).shown() + " does not fit: "
                            + ByteSize.ofBytes(room).shown() + " are free for " + Quoted.of(path.toString()));
        }
    }

    private static void createIn(LinklessPath directory, Path path, long size, boolean isSparse) {
        String name = String.valueOf(path.getFileName());
        boolean isMade = false;
        try {
            try (SparseFile file = directory.create(name, FILE_PERMISSIONS)) {
                isMade = true;
                if (isSparse) {
                    file.setSize(size);
                } else if (size > 0) {
                    file.reserve(size);
                }
                file.sync();
            }
            directory.sync();
        } catch (IOException e) {
            if (!isMade) {
                throw refused(e, path, "create");
            }
            throw removed(directory, name, path, e);
        }
    }

    private static StorageException removed(LinklessPath directory, String name, Path path, IOException failure) {
        String doing = "unable to create " + Quoted.of(path.toString());
        try {
            directory.delete(name);
            return Failures.of(failure, Outcome.FAILED_CLEAN, doing);
        } catch (IOException e) {
            failure.addSuppressed(e);
            return Failures.of(failure, Outcome.UNKNOWN, doing + ", and to remove what there is of it");
        }
    }

    private static Path parent(Path path) {
        @Nullable Path parent = path.getParent();
        return parent == null ? path : parent;
    }

    private static StorageException refused(IOException failure, Path path, String doing) {
        if (failure instanceof FileSystemLoopException) {
            return StorageException.refused(
                    StorageError.PERMISSION_DENIED,
                    "path " + Quoted.of(path.toString())
                            + " leads through a symbolic link, which could lead out of its location; give the path that"
                            + " it leads to");
        }
        return Failures.of(failure, Outcome.NOT_STARTED, "unable to " + doing + " " + Quoted.of(path.toString()));
    }
}
