package dev.tenon.core.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.OptionalLong;

/** Which processes of this node have a file open, for instance a QEMU, or a qemu-img whose parent was killed. */
public final class OpenFiles {
    private static final Path PROC = Path.of("/proc");

    private OpenFiles() {}

    /** The number of a process other than this one that has the file open, empty if none is seen to have. */
    public static OptionalLong holderOf(Path file) {
        Object key;
        try {
            key = keyOf(file);
        } catch (IOException e) {
            return OptionalLong.empty();
        }
        String name = String.valueOf(file.getFileName());
        // it may have been opened under another name, but not one of another kind
        String ending = name.substring(Math.max(name.lastIndexOf('.'), 0));
        long own = ProcessHandle.current().pid();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[1-9]*")) {
            for (Path process : processes) {
                long pid = Long.parseLong(String.valueOf(process.getFileName()));
                if (pid != own && holds(process, key, ending)) {
                    return OptionalLong.of(pid);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return OptionalLong.empty();
        }
        return OptionalLong.empty();
    }

    /** What the process runs, empty if it has ended. */
    public static String nameOf(long pid) {
        try {
            return Files.readString(PROC.resolve(Long.toString(pid)).resolve("comm"), StandardCharsets.ISO_8859_1)
                    .strip();
        } catch (IOException e) {
            return "";
        }
    }

    /** The link is read first, because asking for the file itself may hang on a dead server's file. */
    private static boolean holds(Path process, Object key, String ending) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                if (isOf(descriptor, key, ending)) {
                    return true;
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return false; // it has ended, or is another user's
        }
        return false;
    }

    private static boolean isOf(Path descriptor, Object key, String ending) {
        try {
            String target = Files.readSymbolicLink(descriptor).toString();
            return target.startsWith("/")
                    && target.contains(ending)
                    && keyOf(descriptor).equals(key);
        } catch (IOException e) {
            return false;
        }
    }

    private static Object keyOf(Path file) throws IOException {
        return Objects.requireNonNull(
                Files.readAttributes(file, BasicFileAttributes.class).fileKey());
    }
}
