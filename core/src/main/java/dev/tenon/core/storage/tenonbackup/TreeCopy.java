package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.repository.BadRepositoryException;
import dev.tenon.core.backup.repository.TreeEntry;
import dev.tenon.core.backup.repository.TreeReader;
import dev.tenon.core.backup.repository.TreeWriter;
import dev.tenon.core.image.RateLimit;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.linux.TreeDirectory;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.ContainerTree;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads the files of a container into a backup. A file is not read again that the last backup has, and whose inode, size and
 * times are the same. Sockets are left out, and what is of another file system.
 */
final class TreeCopy {
    private static final int PIECE = 1 << 20;

    /** What was changed this short before the files were fixed may have changed again without another time. */
    private static final long SETTLED_SECONDS = 3;

    private static final String LOST_AND_FOUND = "lost+found";

    private final ContainerTree tree;
    private final Excludes excludes;
    private TreeReader.@Nullable Cursor base;
    private final TreeWriter to;
    private final TreeOwners owners;
    private final RateLimit limit;
    private final TaskLog log;
    private final long settled;
    private final Set<String> sources = new HashSet<>();
    private final Map<Inode, String> names = new HashMap<>();
    private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
    private long read;
    private long unchanged;

    private record Inode(long device, long number) {}

    /**
     * A copy that has not begun.
     *
     * @param base the same container in the last backup; null if there is none
     * @param begun not after the moment at which the files were fixed, by a snapshot or by ending the container
     */
    TreeCopy(
            ContainerTree tree,
            List<String> exclude,
            TreeReader.@Nullable Cursor base,
            Instant begun,
            TreeWriter to,
            BackupLimits limits,
            TaskLog log) {
        this.tree = tree;
        this.excludes = new Excludes(exclude);
        this.base = base;
        this.to = to;
        this.owners = new TreeOwners(tree.ids());
        this.limit = new RateLimit(limits.bytesPerSecond());
        this.log = log;
        this.settled = begun.getEpochSecond() - SETTLED_SECONDS;
        for (String source : tree.sources()) {
            String path = source.replaceFirst("^\\./?", "").replaceFirst("/$", "");
            sources.add(new String(path.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1));
        }
    }

    /** How many bytes were read. */
    long bytes() {
        return read;
    }

    /** How many files were taken over from the last backup without being read. */
    long unchanged() {
        return unchanged;
    }

    void copy() throws IOException {
        try (TreeDirectory root = TreeDirectory.open(tree.reachable())) {
            TreeDirectory.Status status = root.status(TreeDirectory.SELF);
            to.add(entry("", status, root, TreeDirectory.SELF, ""));
            directory(root, "", status.device());
        }
    }

    private static void endIfInterrupted() {
        if (Thread.currentThread().isInterrupted()) {
            throw new StorageException(StorageError.CANCELLED, Outcome.FAILED_CLEAN, "the backup was interrupted");
        }
    }

    private void directory(TreeDirectory directory, String path, long device) throws IOException {
        for (String name : directory.names()) {
            endIfInterrupted();
            String inner = path.isEmpty() ? name : path + "/" + name;
            boolean isLost = name.equals(LOST_AND_FOUND) && tree.rootId() != 0;
            if (isLost || excludes.has(inner)) {
                continue;
            }
            try {
                one(directory, name, inner, device);
            } catch (NoSuchFileException | FileSystemLoopException e) {
                // A container that runs removes files; only one that was listed a moment ago can be meant.
                log.log(
                        TaskLog.Level.WARN,
                        "'" + TreeDirectory.shown(inner) + "' was removed or replaced before it was read");
            }
        }
    }

    private void one(TreeDirectory directory, String name, String path, long device) throws IOException {
        TreeDirectory.Status status = directory.status(name);
        boolean isOther = status.device() != device && !sources.contains(path);
        switch (status.kind()) {
            case SOCKET -> {}
            case DIRECTORY -> {
                try (TreeDirectory inner = directory.directory(name)) {
                    to.add(entry(path, status, directory, name, ""));
                    if (!isOther) {
                        directory(inner, path, status.device());
                    }
                }
            }
            default -> {
                if (!isOther) {
                    leaf(directory, name, path, status);
                }
            }
        }
    }

    private void leaf(TreeDirectory directory, String name, String path, TreeDirectory.Status status)
            throws IOException {
        Inode inode = new Inode(status.device(), status.inode());
        String first = status.links() > 1 ? names.get(inode) : null;
        if (first != null) {
            to.add(new TreeEntry(
                    path,
                    TreeEntry.Kind.HARD_LINK,
                    0,
                    0,
                    0,
                    0,
                    0,
                    TreeEntry.Known.NOT,
                    0,
                    0,
                    first,
                    new TreeMap<>(),
                    TreeEntry.Content.NONE));
            return;
        }
        if (status.kind() == TreeDirectory.Kind.FILE) {
            file(directory, name, path, status);
        } else {
            String target = status.kind() == TreeDirectory.Kind.SYMBOLIC_LINK ? directory.target(name) : "";
            to.add(entry(path, status, directory, name, target));
        }
        if (status.links() > 1) {
            names.put(inode, path);
        }
    }

    private void file(TreeDirectory directory, String name, String path, TreeDirectory.Status status)
            throws IOException {
        TreeEntry before = unchanged(path, status);
        if (before != null) {
            to.add(before);
            unchanged++;
            return;
        }
        try (SparseFile file = directory.file(name)) {
            TreeDirectory.Status open = TreeDirectory.status(file);
            if (open.inode() != status.inode() || open.kind() != status.kind()) {
                throw new NoSuchFileException(path);
            }
            TreeEntry entry = entry(path, open, directory, name, "");
            FileBytes bytes = new FileBytes(file, open, this::limited);
            try {
                to.add(entry, bytes);
                if (bytes.size() < open.size()) {
                    log.log(
                            TaskLog.Level.WARN,
                            "'" + TreeDirectory.shown(path) + "' shrank by " + (open.size() - bytes.size())
                                    + " bytes while it was read; what was left is in the backup");
                }
            } catch (NoSuchFileException e) {
                // It is open: this is no file that was removed, and a part of it may be in the backup already.
                throw new IOException("'" + TreeDirectory.shown(path) + "' could not be kept: " + e, e);
            }
        }
    }

    /** The file in the last backup, if it is the same and all of it is there. */
    private @Nullable TreeEntry unchanged(String path, TreeDirectory.Status status) throws IOException {
        TreeReader.Cursor from = base;
        if (from == null) {
            return null;
        }
        try {
            TreeEntry before = from.skipTo(path);
            return before != null && isSame(before, status) && to.has(before) ? before : null;
        } catch (BadRepositoryException e) {
            log.log(TaskLog.Level.WARN, "the last backup is damaged, so all files are read: " + e.getMessage());
            base = null;
            return null;
        }
    }

    private boolean isSame(TreeEntry before, TreeDirectory.Status now) {
        return before.kind() == TreeEntry.Kind.FILE
                && !before.known().equals(TreeEntry.Known.NOT)
                && before.known().equals(known(now))
                && before.size().bytes() == now.size()
                && before.seconds() == now.modified().seconds()
                && before.nanos() == now.modified().nanos()
                && before.mode() == now.mode()
                && before.owner() == owners.user(now.owner())
                && before.group() == owners.group(now.group());
    }

    private TreeEntry.Known known(TreeDirectory.Status status) {
        return status.changed().seconds() > settled
                ? TreeEntry.Known.NOT
                : new TreeEntry.Known(
                        status.inode(),
                        status.changed().seconds(),
                        status.changed().nanos());
    }

    private TreeEntry entry(
            String path, TreeDirectory.Status status, TreeDirectory directory, String name, String target)
            throws IOException {
        SortedMap<String, byte[]> attributes = owners.attributes(directory.attributes(name));
        boolean isFile = status.kind() == TreeDirectory.Kind.FILE;
        return new TreeEntry(
                path,
                kind(status.kind()),
                status.mode(),
                owners.user(status.owner()),
                owners.group(status.group()),
                status.modified().seconds(),
                status.modified().nanos(),
                isFile ? known(status) : TreeEntry.Known.NOT,
                status.major(),
                status.minor(),
                target,
                attributes,
                TreeEntry.Content.NONE);
    }

    private static TreeEntry.Kind kind(TreeDirectory.Kind kind) {
        return switch (kind) {
            case DIRECTORY -> TreeEntry.Kind.DIRECTORY;
            case FILE -> TreeEntry.Kind.FILE;
            case SYMBOLIC_LINK -> TreeEntry.Kind.SYMBOLIC_LINK;
            case CHARACTER_DEVICE -> TreeEntry.Kind.CHARACTER_DEVICE;
            case BLOCK_DEVICE -> TreeEntry.Kind.BLOCK_DEVICE;
            case PIPE -> TreeEntry.Kind.PIPE;
            case SOCKET -> throw new IllegalArgumentException("a socket");
        };
    }

    /** Reads at the speed that is allowed. */
    private int limited(SparseFile file, long offset, byte[] into, int at, int length) throws IOException {
        endIfInterrupted();
        piece.clear().limit((int) Math.min(length, limit.piece(PIECE)));
        int bytes = file.read(offset, piece);
        piece.flip().get(into, at, bytes);
        read += bytes;
        limit.await(read, TreeCopy::endIfInterrupted);
        return bytes;
    }
}
