package dev.tenon.core.storage.directory;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.linux.LinklessPath;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.storage.common.Paths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directories that a storage's files must stay in. A directory of the storage may itself be a symbolic link, which
 * an administrator set; nothing below it may lead out of it.
 */
public final class StorageBounds {
    private static final Logger LOG = LoggerFactory.getLogger(StorageBounds.class);
    private static final ToldOnce TOLD = new ToldOnce();

    private final List<Path> roots;

    /** Looked up when they are needed, which is seldom: a system call for each directory above them. */
    private volatile @Nullable List<Path> realRoots;

    private StorageBounds(List<Path> roots) {
        this.roots = roots;
    }

    static StorageBounds of(Path... roots) {
        List<Path> plain = new ArrayList<>(roots.length);
        for (Path root : roots) {
            plain.add(root.toAbsolutePath().normalize());
        }
        return new StorageBounds(List.copyOf(plain));
    }

    private List<Path> realRoots() {
        List<Path> known = realRoots;
        if (known == null) {
            known = roots.stream().map(StorageBounds::realOrSame).toList();
            realRoots = known;
        }
        return known;
    }

    /** The storage's own directory, if it has one, and this one of it, which may be elsewhere. */
    static StorageBounds of(Storage storage, Path directory) {
        return ContentDirectories.hasBase(storage)
                ? of(Paths.of(ContentDirectories.base(storage)), directory)
                : of(directory);
    }

    private static Path realOrSame(Path root) {
        try {
            return root.toRealPath();
        } catch (IOException e) {
            return root;
        }
    }

    /** Whether the path, as it is written, lies in the storage. */
    boolean holds(Path path) {
        Path plain = path.normalize();
        return isBelow(roots, plain) || isBelow(realRoots(), plain);
    }

    /** Whether a path without any symbolic link in it lies in the storage. */
    boolean holdsReal(Path real) {
        return isBelow(realRoots(), real);
    }

    private static boolean isBelow(List<Path> directories, Path path) {
        for (Path directory : directories) {
            if (path.startsWith(directory)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Whether operations on a file would be refused because it is a symbolic link out of the storage; each such link is
     * logged once.
     */
    boolean isLinkOut(Path file, String volume) {
        try {
            if (FileStatus.ofLink(file).isSymbolicLink()) {
                refuseWayOut(file, volume);
            }
            return false;
        } catch (IOException e) {
            return false; // and let who reads it tell
        } catch (StorageException e) {
            TOLD.warn(LOG, e.getMessage() + "; it is not listed");
            return true;
        }
    }

    /**
     * Refuses a path that lies in the storage as it is written but not as the file system sees it. A path that is
     * elsewhere from the start was put there by the plugin and is not questioned.
     *
     * @param volume the volume it belongs to, for the message
     * @throws StorageException {@code UNSAFE_IMAGE}
     */
    public void refuseWayOut(Path path, String volume) {
        Path existing = path.normalize();
        // Where no part of the path is a link, it lies where it seems to.
        if ((isBelow(roots, existing) && LinklessPath.is(existing)) || !holds(path)) {
            return;
        }
        while (!Files.exists(existing, LinkOption.NOFOLLOW_LINKS)) {
            Path parent = existing.getParent();
            if (parent == null) {
                return;
            }
            existing = parent;
        }
        for (Path root : roots) {
            if (root.startsWith(existing)) {
                return;
            }
        }
        Path real;
        try {
            real = existing.toRealPath();
        } catch (IOException e) {
            throw refused(volume, existing, "leads nowhere", e);
        }
        if (!holdsReal(real)) {
            throw refused(volume, existing, "leads to '" + real + "'", null);
        }
    }

    private static StorageException refused(String volume, Path link, String where, @Nullable Throwable cause) {
        return new StorageException(
                StorageError.UNSAFE_IMAGE,
                Outcome.NOT_STARTED,
                "volume '" + volume + "' leaves its storage: '" + link + "' " + where
                        + "; remove the symbolic link if it is not wanted, or move its target into the storage",
                cause);
    }
}
