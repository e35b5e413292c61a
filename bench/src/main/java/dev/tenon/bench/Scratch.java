package dev.tenon.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A directory with a storage of two real images, and room for sockets and logs; closing it removes all of it. */
final class Scratch implements AutoCloseable {
    static final String RAW = "100/vm-100-disk-0.raw";
    static final String QCOW2 = "100/vm-100-disk-1.qcow2";

    private final Path directory;

    private Scratch(Path directory) {
        this.directory = directory;
    }

    static Scratch create() throws IOException {
        Scratch scratch = new Scratch(Files.createTempDirectory("tenon-bench-"));
        try {
            scratch.fill();
            return scratch;
        } catch (IOException | RuntimeException e) {
            scratch.close();
            throw e;
        }
    }

    private void fill() throws IOException {
        Path images = storage().resolve("images");
        Files.createDirectories(images.resolve("100"));
        Host.run("qemu-img", "create", "-q", "-f", "raw", images.resolve(RAW).toString(), "1G");
        try (FileChannel channel = FileChannel.open(images.resolve(RAW), StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap("some data in a sparse image".getBytes(StandardCharsets.UTF_8)), 4 << 20);
        }
        Host.run(
                "qemu-img", "create", "-q", "-f", "qcow2", images.resolve(QCOW2).toString(), "64M");
    }

    /** The storage's own directory. */
    Path storage() {
        return directory.resolve("storage");
    }

    Path file(String name) {
        return directory.resolve(name);
    }

    @Override
    public void close() throws IOException {
        remove(directory);
    }

    /** With all that is in it. */
    static void remove(Path directory) throws IOException {
        List<Path> found;
        try (Stream<Path> paths = Files.walk(directory)) {
            found = paths.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : found) {
            Files.deleteIfExists(path);
        }
    }
}
