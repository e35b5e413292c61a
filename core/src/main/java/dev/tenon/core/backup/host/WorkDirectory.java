package dev.tenon.core.backup.host;

import dev.tenon.core.linux.MountTable;
import dev.tenon.core.linux.ProcessIdentity;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory of mode 0700 for sockets and other things of one backup or restore. Its name tells whose it is, so that what
 * a process that was killed left there is removed by the next one.
 */
public final class WorkDirectory implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkDirectory.class);
    private static final String PREFIX = "backup-";
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final Path path;

    private WorkDirectory(Path path) {
        this.path = path;
    }

    /**
     * Makes one, and removes those that processes of this node left that have ended.
     *
     * @param parent made if it is missing; a short path, since sockets have at most 107 bytes
     */
    public static WorkDirectory make(Path parent) throws IOException {
        if (!Files.isDirectory(parent)) {
            try {
                Files.createDirectories(parent, OWNER_ONLY);
            } catch (FileAlreadyExistsException e) {
                throw new IOException("'" + parent + "' is no directory", e);
            }
        }
        removeLeftovers(parent);
        while (true) {
            try {
                return new WorkDirectory(Files.createDirectory(
                        parent.resolve(PREFIX + ProcessIdentity.own() + "." + NUMBERS.incrementAndGet()), OWNER_ONLY));
            } catch (FileAlreadyExistsException e) {
                LOG.debug("event=work-directory-taken path={}", e.getFile());
            }
        }
    }

    private static void removeLeftovers(Path parent) throws IOException {
        try (DirectoryStream<Path> left = Files.newDirectoryStream(parent, PREFIX + "*")) {
            for (Path directory : left) {
                String name = directory.getFileName().toString();
                boolean isDead = ProcessIdentity.parse(
                                name.substring(PREFIX.length()).replaceFirst("\\.\\d+$", ""))
                        .filter(ProcessIdentity::hasEnded)
                        .isPresent();
                if (isDead) {
                    try {
                        MountTable.below(directory).reversed().forEach(MountPoint::release);
                        remove(directory);
                        LOG.info("event=work-directory-removed path={}", directory);
                    } catch (IOException e) {
                        LOG.warn("event=work-directory-left path={} reason=\"{}\"", directory, e.getMessage());
                    }
                }
            }
        }
    }

    public Path path() {
        return path;
    }

    public Path resolve(String name) {
        return path.resolve(name);
    }

    /** A directory in it, of mode 0700. */
    public Path directory(String name) throws IOException {
        return Files.createDirectory(path.resolve(name), OWNER_ONLY);
    }

    /** Removes a file, or a directory with all in it; nothing behind a symbolic link or on another file system. */
    static void remove(Path directory) throws IOException {
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            Files.deleteIfExists(directory);
            return;
        }
        Object device = Files.getAttribute(directory, "unix:dev", LinkOption.NOFOLLOW_LINKS);
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path each, BasicFileAttributes attributes) throws IOException {
                return device.equals(Files.getAttribute(each, "unix:dev", LinkOption.NOFOLLOW_LINKS))
                        ? FileVisitResult.CONTINUE
                        : FileVisitResult.SKIP_SUBTREE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException why) throws IOException {
                if (why instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw why;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path each, @Nullable IOException why) throws IOException {
                if (why != null) {
                    throw why;
                }
                Files.deleteIfExists(each);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    @Override
    public void close() {
        try {
            remove(path);
        } catch (IOException e) {
            LOG.warn("event=work-directory-left path={} reason=\"{}\"", path, e.getMessage());
        }
    }
}
