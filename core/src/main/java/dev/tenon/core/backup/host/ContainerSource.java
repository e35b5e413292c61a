package dev.tenon.core.backup.host;

import dev.tenon.core.linux.FileSystemStatus;
import dev.tenon.core.linux.MountTable;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.ContainerTree;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** The files of a container. If its root is not the host's, they are read in a user namespace of its own, as PVE does. */
final class ContainerSource implements BackupRun.Source {
    private static final String ROOT = "./";
    private static final long BTRFS = 0x9123_683eL;

    /** The inode of what a snapshot has in the place of a subvolume below the one that it was taken of. */
    private static final long EMPTY_SUBVOLUME = 2;

    private final ContainerRequest container;
    private @Nullable WorkDirectory work;
    private @Nullable ContainerNamespaces namespaces;

    ContainerSource(ContainerRequest container) {
        this.container = container;
    }

    @Override
    public GuestType type() {
        return GuestType.LXC;
    }

    @Override
    public void prepare(WorkDirectory directory, BackupRequest request) {
        if (!Files.isDirectory(container.directory())) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "'" + container.directory() + "' is no directory; name the root of the container's files");
        }
        if (owner() != 0 && !MountPoint.isRoot()) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "the container's files belong to ids of its own, and '/' is no mount point here, as after chroot, so"
                            + " that they cannot be shown under these ids; back it up from outside of the chroot");
        }
        this.work = directory;
    }

    /** The host's id of the container's root. */
    private long owner() {
        try {
            return ((Number) Files.getAttribute(container.directory(), "unix:uid")).longValue();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void handOver(BackupProvider provider, BackupRequest request, RunLog log) throws IOException {
        WorkDirectory directory = Objects.requireNonNull(work, "not prepared");
        Path root = container.directory().toRealPath();
        VmSource.refuseUnfit(provider, provider.backupMechanism(request.guest(), GuestType.LXC), GuestType.LXC);
        long owner = owner();
        List<String> sources = sources(root, log);
        ContainerTree tree;
        if (owner != 0) {
            ContainerNamespaces own = ContainerNamespaces.make(directory, root, owner);
            namespaces = own;
            provider.prepareContainer(request.guest(), shown(sources, owner, own.worker()), request.limits());
            // Only now, so that it has what the provider mounted.
            tree = shown(sources, owner, own.reader());
        } else {
            tree = new ContainerTree(root, sources, owner, OptionalLong.empty());
            log.warn("the container's root is the host's: PVE restores it only as an unprivileged one");
            provider.prepareContainer(request.guest(), tree, request.limits());
        }
        provider.backupContainer(request.guest(), request.configs(), container.exclude(), tree, request.limits());
    }

    private static ContainerTree shown(List<String> sources, long owner, long holder) {
        return new ContainerTree(ContainerNamespaces.PLACE, sources, owner, OptionalLong.of(holder));
    }

    /**
     * The root, and the btrfs subvolumes below it: each looks like a file system of its own, and is none. What is mounted
     * below the root is left out.
     */
    private static List<String> sources(Path root, RunLog log) throws IOException {
        List<String> sources = new ArrayList<>(List.of(ROOT));
        List<Path> mounts = MountTable.below(root);
        mounts.stream()
                .filter(mount -> !mount.equals(root))
                .forEach(mount -> log.warn("what is mounted on '" + mount + "' is not backed up"));
        if (FileSystemStatus.of(root).type() != BTRFS) {
            return sources;
        }
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                if (directory.equals(root)) {
                    return FileVisitResult.CONTINUE;
                }
                if (mounts.contains(directory)) {
                    return FileVisitResult.SKIP_SUBTREE;
                }
                String source = ROOT + root.relativize(directory);
                if (inode(directory) == EMPTY_SUBVOLUME) {
                    log.warn("the subvolume '" + source + "' is not in this snapshot, so it is not backed up");
                } else if (isSubvolume(directory)) {
                    log.info("INFO: the subvolume '" + source + "' is included");
                    sources.add(source);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException why) {
                return FileVisitResult.CONTINUE;
            }
        });
        return sources;
    }

    private static long inode(Path directory) throws IOException {
        return ((Number) Files.getAttribute(directory, "unix:ino", LinkOption.NOFOLLOW_LINKS)).longValue();
    }

    private static boolean isSubvolume(Path directory) throws IOException {
        Path parent = directory.getParent();
        return parent != null
                && !Files.getAttribute(directory, "unix:dev", LinkOption.NOFOLLOW_LINKS)
                        .equals(Files.getAttribute(parent, "unix:dev", LinkOption.NOFOLLOW_LINKS));
    }

    @Override
    public void committed() {
        closeNamespaces();
    }

    private void closeNamespaces() {
        if (namespaces != null) {
            namespaces.close();
            namespaces = null;
        }
    }

    @Override
    public Map<DeviceName, BitmapMode> bitmaps() {
        return Map.of();
    }

    @Override
    public void close() {
        closeNamespaces();
    }
}
