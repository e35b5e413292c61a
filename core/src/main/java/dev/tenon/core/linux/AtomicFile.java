package dev.tenon.core.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Replaces the content of a file in one step: whoever reads it sees the old or the new, after a crash too. */
public final class AtomicFile {
    private static final Set<PosixFilePermission> PRIVATE = PosixFilePermissions.fromString("rw-------");
    private static final int PERMISSIONS = 07777;

    /** Two threads may replace one file at once. */
    private static final AtomicLong NUMBERS = new AtomicLong();

    private AtomicFile() {}

    /**
     * Writes the content. Mode, owner and group of an earlier file stay; a symbolic link stays one.
     *
     * @param modeOfNew of a file that is new, for instance {@code 0640}
     * @throws IOException if it cannot be written; then an earlier file is as it was
     */
    public static void replace(Path file, byte[] content, int modeOfNew) throws IOException {
        Path target = Files.isSymbolicLink(file) ? file.toRealPath() : file.toAbsolutePath();
        write(target, content, PRIVATE, temporary -> giveAttributes(target, temporary, modeOfNew));
        forceDirectory(target);
    }

    /**
     * Writes what has no past: it has the rights that a new file has, its owner is who writes it, and it takes the place of a
     * symbolic link.
     *
     * @throws IOException if it cannot be written; then an earlier file is as it was
     */
    public static void replaceReport(Path file, byte[] content) throws IOException {
        write(file.toAbsolutePath(), content, null, _ -> {});
        forceDirectory(file.toAbsolutePath());
    }

    /**
     * Writes a secret. An earlier file passes nothing on, and no mode is changed afterwards. The directory is not synced: who
     * needs the secret after a power failure does that, and knows what a failure of it means.
     *
     * @param mode what nobody but its owner may do
     * @throws IOException if it cannot be written; then an earlier file is as it was
     */
    public static void replaceSecret(Path file, byte[] content, Set<PosixFilePermission> mode) throws IOException {
        write(file.toAbsolutePath(), content, mode, _ -> {});
    }

    private interface Attributes {
        void give(Path temporary) throws IOException;
    }

    private static void write(
            Path target, byte[] content, @Nullable Set<PosixFilePermission> mode, Attributes attributes)
            throws IOException {
        Path temporary = target.resolveSibling(
                target.getFileName() + ".tmp." + ProcessHandle.current().pid() + "." + NUMBERS.getAndIncrement());
        Files.deleteIfExists(temporary); // of a process that had the same id and was killed
        try {
            try (FileChannel channel = FileChannel.open(
                    temporary,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    mode == null
                            ? new FileAttribute<?>[0]
                            : new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(mode)})) {
                attributes.give(temporary);
                ByteBuffer bytes = ByteBuffer.wrap(content);
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException e) {
            try {
                Files.deleteIfExists(temporary);
            } catch (IOException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
    }

    /** PVE's cluster file system has one owner and mode for all files of a directory and refuses to change them. */
    private static void giveAttributes(Path target, Path temporary, int modeOfNew) throws IOException {
        Map<String, Object> own = attributes(temporary);
        int mode = modeOfNew;
        try {
            Map<String, Object> wanted = attributes(target);
            for (String name : new String[] {"uid", "gid"}) {
                if (!Objects.equals(wanted.get(name), own.get(name))) {
                    Files.setAttribute(temporary, "unix:" + name, wanted.get(name));
                }
            }
            mode = permissions(wanted);
        } catch (NoSuchFileException e) {
            // The file is new.
        }
        if (mode != permissions(own)) {
            Files.setAttribute(temporary, "unix:mode", mode);
        }
    }

    private static Map<String, Object> attributes(Path file) throws IOException {
        return Files.readAttributes(file, "unix:uid,gid,mode");
    }

    private static int permissions(Map<String, Object> attributes) {
        return (Integer) Objects.requireNonNull(attributes.get("mode")) & PERMISSIONS;
    }

    /** A crash now must not bring the old content back. Not every file system lets a directory be forced. */
    private static void forceDirectory(Path file) {
        try {
            DirectorySync.of(file.resolveSibling(""));
        } catch (IOException e) {
            // The content is written and in its place.
        }
    }
}
