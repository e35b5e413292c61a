package dev.tenon.core.config;

import dev.tenon.core.linux.DirectorySync;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Objects;

/** Replaces the content of a file in one step: whoever reads it sees the old or the new, after a crash too. */
final class AtomicFile {
    /** What PVE's cluster file system gives to its files. */
    private static final int MODE_OF_NEW = 0640;

    private static final int PERMISSIONS = 07777;

    private AtomicFile() {}

    /** Writes the content. Mode, owner and group stay; a symbolic link stays one. */
    static void replace(Path file, byte[] content) throws IOException {
        Path target = Files.isSymbolicLink(file) ? file.toRealPath() : file.toAbsolutePath();
        Path temporary = target.resolveSibling(
                target.getFileName() + ".tmp." + ProcessHandle.current().pid());
        Files.deleteIfExists(temporary); // of a process that had the same id and was killed
        try {
            try (FileChannel channel =
                    FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                takeAttributes(target, temporary);
                ByteBuffer bytes = ByteBuffer.wrap(content);
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
        forceDirectory(target);
    }

    /** PVE's cluster file system has one owner and mode for all files and refuses to change them. */
    private static void takeAttributes(Path target, Path temporary) throws IOException {
        Map<String, Object> own = Files.readAttributes(temporary, "unix:uid,gid,mode");
        int mode = MODE_OF_NEW;
        try {
            Map<String, Object> wanted = Files.readAttributes(target, "unix:uid,gid,mode");
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

    private static int permissions(Map<String, Object> attributes) {
        return attributes.get("mode") instanceof Integer mode ? mode & PERMISSIONS : MODE_OF_NEW;
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
