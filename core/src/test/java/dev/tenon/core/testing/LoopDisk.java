package dev.tenon.core.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.linux.FileStatus;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** A small ext4 file system in a file, mounted. Only root can have one; the test is skipped for others. */
public final class LoopDisk implements AutoCloseable {
    private final Path root;

    private LoopDisk(Path root) {
        this.root = root;
    }

    /** Makes and mounts one of so many MiB in this directory. */
    public static LoopDisk in(Path scratch, int mib) throws IOException {
        assumeTrue(FileStatus.of(Path.of("/proc/self")).owner() == 0, "only root can mount");
        Path image = scratch.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength((long) mib << 20);
        }
        Qemu.run(scratch, List.of("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image.toString()));
        Path root = Files.createDirectory(scratch.resolve("disk"));
        Qemu.run(scratch, List.of("mount", "-o", "loop", image.toString(), root.toString()));
        return new LoopDisk(root);
    }

    public Path root() {
        return root;
    }

    /** Takes all the space that is left. */
    public void fill() throws IOException {
        Path ballast = root.resolve("ballast");
        byte[] bytes = new byte[64 * 1024];
        for (int size = bytes.length; size > 0; size /= 16) {
            try (OutputStream out =
                    Files.newOutputStream(ballast, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
                while (true) {
                    out.write(bytes, 0, size);
                }
            } catch (IOException e) {
                if (!String.valueOf(e.getMessage()).contains("No space left")) {
                    throw e;
                }
            }
        }
        Qemu.run(null, List.of("sync", "-f", root.toString()));
    }

    /** Gives the space back. */
    public void empty() throws IOException {
        Files.deleteIfExists(root.resolve("ballast"));
    }

    public void makeReadOnly() {
        Qemu.run(null, List.of("mount", "-o", "remount,ro", root.toString()));
    }

    @Override
    public void close() {
        Qemu.run(null, List.of("umount", root.toString()));
    }
}
