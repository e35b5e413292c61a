package dev.tenon.core.linux;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Directories whose mode matters: a umask, or whoever made them first, must not decide who can come in. */
public final class Directories {
    private static final Set<PosixFilePermission> OPEN = PosixFilePermissions.fromString("rwxr-xr-x");

    private Directories() {}

    /**
     * Makes the directory, and those above it that are missing. One that is there, belongs to this user and has another
     * mode gets this one; those above it stay as they are.
     *
     * @param mode for instance {@code rwx------}; the directories above it are made {@code rwxr-xr-x}
     */
    public static void make(Path directory, String mode) throws IOException {
        make(directory, PosixFilePermissions.fromString(mode));
    }

    private static void make(Path directory, Set<PosixFilePermission> mode) throws IOException {
        @Nullable Path parent = directory.toAbsolutePath().getParent();
        if (parent != null && !Files.isDirectory(parent)) {
            make(parent, OPEN);
        }
        try {
            Files.createDirectory(directory);
            Files.setPosixFilePermissions(directory, mode);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(directory)) {
                throw e;
            }
            if (isOwn(directory) && !Files.getPosixFilePermissions(directory).equals(mode)) {
                Files.setPosixFilePermissions(directory, mode);
            }
        }
    }

    /** Lets everybody through a directory of this user's, as far as its name is known; what is in it is another matter. */
    public static void open(Path directory) throws IOException {
        if (!Files.isDirectory(directory) || !isOwn(directory)) {
            return;
        }
        Set<PosixFilePermission> mode = EnumSet.copyOf(Files.getPosixFilePermissions(directory));
        if (mode.addAll(OPEN)) {
            Files.setPosixFilePermissions(directory, mode);
        }
    }

    private static boolean isOwn(Path directory) throws IOException {
        return FileStatus.of(directory).owner() == EffectiveUser.id()
                && !Files.isSymbolicLink(directory)
                && Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS);
    }
}
