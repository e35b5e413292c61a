package dev.tenon.core.storage.directory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;

/**
 * A file whatever its name is, and no later one that got its number.
 *
 * @param text the numbers of its device and inode, and when it was made
 */
record FileIdentity(String text) {
    /** Of the file itself, not of what a symbolic link leads to; empty if there is none. */
    static Optional<FileIdentity> of(Path file) {
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return Optional.of(new FileIdentity(
                    attributes.fileKey() + "@" + attributes.creationTime().toInstant()));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Whether both are names of one file. */
    static boolean isSame(Path one, Path other) {
        Optional<FileIdentity> identity = of(one);
        return identity.isPresent() && identity.equals(of(other));
    }
}
