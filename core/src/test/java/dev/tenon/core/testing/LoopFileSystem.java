package dev.tenon.core.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** A file system of its own in a file, mounted until this is closed. Only root has it; the test is skipped otherwise. */
public final class LoopFileSystem implements Closeable {
    private final Path mountPoint;

    private LoopFileSystem(Path mountPoint) {
        this.mountPoint = mountPoint;
    }

    /**
     * Makes and mounts one.
     *
     * @param directory where its file and its mount point go
     * @param type for instance {@code xfs}
     * @param megabytes its size
     * @param options of mkfs
     */
    public static LoopFileSystem make(Path directory, String type, int megabytes, String... options)
            throws IOException {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root may mount a file system");
        Path image = directory.resolve(type + ".img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(megabytes * 1024L * 1024L);
        }
        List<String> make = new ArrayList<>(List.of("mkfs." + type));
        make.addAll(List.of(options));
        make.add(image.toString());
        Qemu.run(null, make);
        Path mountPoint = Files.createDirectory(directory.resolve(type));
        try {
            Qemu.run(null, List.of("mount", "-o", "loop", image.toString(), mountPoint.toString()));
        } catch (IllegalStateException e) {
            assumeTrue(false, "no " + type + " can be mounted here: " + e.getMessage());
        }
        return new LoopFileSystem(mountPoint);
    }

    public Path root() {
        return mountPoint;
    }

    /** Takes all the space that is left. */
    public void fill() throws IOException {
        Path ballast = mountPoint.resolve("ballast");
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
        Qemu.run(null, List.of("sync", "-f", mountPoint.toString()));
    }

    /** Gives the space back. */
    public void empty() throws IOException {
        Files.deleteIfExists(mountPoint.resolve("ballast"));
    }

    public void makeReadOnly() {
        Qemu.run(null, List.of("mount", "-o", "remount,ro", mountPoint.toString()));
    }

    @Override
    public void close() {
        Qemu.run(null, List.of("umount", mountPoint.toString()));
    }
}
