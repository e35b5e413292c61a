package dev.tenon.core.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
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

    @Override
    public void close() {
        Qemu.run(null, List.of("umount", mountPoint.toString()));
    }
}
