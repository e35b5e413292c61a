package dev.tenon.core.storage.mounted.btrfs;

import dev.tenon.core.command.Command;
import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.MountTable;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The subvolumes of a btrfs file system, by the {@code btrfs} program. */
final class Subvolumes {
    private static final Logger LOG = LoggerFactory.getLogger(Subvolumes.class);
    private static final long ROOT_INODE = 256;
    private static final int ROOT_FIELD = 3;

    private Subvolumes() {}

    /** Whether this is the root directory of a subvolume; inode 256 is nothing else in btrfs. */
    static boolean isOne(Path directory) {
        try {
            return Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)
                    && Files.getAttribute(directory, "unix:ino", LinkOption.NOFOLLOW_LINKS) instanceof Long inode
                    && inode == ROOT_INODE;
        } catch (IOException e) {
            return false;
        }
    }

    private static void run(String... words) {
        List<String> command = new ArrayList<>(List.of("btrfs", "-q"));
        command.addAll(List.of(words));
        Command.of(command.toArray(String[]::new))
                .withErrorPrefix("btrfs error")
                .run();
    }

    /** With -q, btrfs prints no answers. */
    private static String ask(String question, String... words) {
        List<String> command = new ArrayList<>(List.of("btrfs", "subvolume", question));
        command.addAll(List.of(words));
        return Command.of(command.toArray(String[]::new))
                .withErrorPrefix("btrfs error")
                .run();
    }

    static void create(Path directory) {
        run("subvolume", "create", "--", directory.toString());
    }

    /** Makes a copy that shares its blocks. A subvolume inside it is an empty directory in the copy; a warning says so. */
    static void snapshot(Path source, Path copy, boolean isReadOnly) {
        List<String> nested = nestedIn(source);
        if (!nested.isEmpty()) {
            LOG.warn("'{}' does not hold what is in the subvolumes {} of '{}'", copy, nested, source);
        }
        if (isReadOnly) {
            run("subvolume", "snapshot", "-r", "--", source.toString(), copy.toString());
        } else {
            run("subvolume", "snapshot", "--", source.toString(), copy.toString());
        }
    }

    static void setReadOnly(Path subvolume, boolean isReadOnly) {
        run("property", "set", "-f", subvolume.toString(), "ro", Boolean.toString(isReadOnly));
    }

    /**
     * Removes subvolumes, but none that is mounted on this node or contains others: the kernel would empty the first while
     * it is in use, and would not remove the second.
     *
     * @throws StorageException {@code IN_USE}, {@code NOT_STARTED}
     */
    static void delete(List<Path> subvolumes) {
        subvolumes.forEach(Subvolumes::refuseInUse);
        List<String> words = new ArrayList<>(List.of("subvolume", "delete", "--"));
        subvolumes.forEach(subvolume -> words.add(subvolume.toString()));
        run(words.toArray(String[]::new));
    }

    /**
     * Refuses a subvolume that is mounted or holds others, so that it cannot be removed.
     *
     * @throws StorageException {@code IN_USE}, {@code NOT_STARTED}
     */
    static void refuseInUse(Path subvolume) {
        List<String> nested = nestedIn(subvolume);
        if (!nested.isEmpty()) {
            throw StorageException.refused(
                    StorageError.IN_USE,
                    "subvolume '" + subvolume + "' is not removed: it holds the subvolumes " + nested
                            + "; remove those first");
        }
        mountPointOf(subvolume).stream().findFirst().ifPresent(mountPoint -> {
            throw StorageException.refused(
                    StorageError.IN_USE,
                    "subvolume '" + subvolume + "' is not removed: it is mounted on '" + mountPoint
                            + "'; unmount it first");
        });
    }

    /** The subvolumes within one, as the file system names them. Only root can ask. */
    static List<String> nestedIn(Path subvolume) {
        return pathsIn(ask("list", "-o", subvolume.toString()));
    }

    /** The subvolumes in what {@code btrfs subvolume list} says. */
    static List<String> pathsIn(String listed) {
        return listed.lines()
                .filter(line -> line.contains(" path "))
                .map(line -> line.substring(line.indexOf(" path ") + " path ".length()))
                .toList();
    }

    /** Where a subvolume, or something in it, is mounted. */
    private static List<String> mountPointOf(Path subvolume) {
        String name = "/" + nameIn(ask("show", subvolume.toString()));
        List<String[]> mounts = mounts();
        String source = mounts.stream()
                .filter(mount -> subvolume.startsWith(mount[1]))
                .reduce((older, newer) -> newer[1].length() >= older[1].length() ? newer : older)
                .map(mount -> mount[2])
                .orElse("");
        return mounts.stream()
                .filter(mount -> mount[2].equals(source))
                .filter(mount -> mount[0].equals(name) || mount[0].startsWith(name + "/"))
                .map(mount -> mount[1])
                .toList();
    }

    /** The path within its file system in what {@code btrfs subvolume show} says. */
    static String nameIn(String shown) {
        return shown.lines().findFirst().orElse("").strip();
    }

    /** What is mounted, the path within its file system, the mount point and the device of each. */
    private static List<String[]> mounts() {
        try {
            return MountTable.lines().stream()
                    .map(line -> {
                        String[] fields = line.split(" ", -1);
                        int dash = List.of(fields).indexOf("-");
                        return new String[] {fields[ROOT_FIELD], fields[ROOT_FIELD + 1], fields[dash + 2]};
                    })
                    .toList();
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to tell what is mounted");
        }
    }
}
