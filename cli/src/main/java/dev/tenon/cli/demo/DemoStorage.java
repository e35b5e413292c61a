package dev.tenon.cli.demo;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.ByteSize;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A scratch directory with a storage of real images; closing it removes all of it. */
final class DemoStorage implements AutoCloseable {
    private static final ByteSize SPARSE = ByteSize.ofBytes(1L << 30);

    private final Path scratch;

    private DemoStorage(Path scratch) {
        this.scratch = scratch;
    }

    /** Makes a sparse raw image, a qcow2, a qcow2 with a base image behind it, and two files that are no images. */
    static DemoStorage create() throws IOException {
        DemoStorage storage = new DemoStorage(Files.createTempDirectory("tenon-demo-"));
        try {
            storage.fill();
            return storage;
        } catch (IOException | RuntimeException e) {
            storage.close();
            throw e;
        }
    }

    private void fill() throws IOException {
        Path guest = Files.createDirectories(path().resolve("images/100"));
        Path template = Files.createDirectories(path().resolve("images/9000"));
        Files.createDirectories(runtime());

        Path raw = guest.resolve("vm-100-disk-0.raw");
        qemuImg("create", "-q", "-f", "raw", raw.toString(), Long.toString(SPARSE.bytes()));
        try (FileChannel channel = FileChannel.open(raw, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap("some data in a sparse image".getBytes(StandardCharsets.UTF_8)), 4 << 20);
        }
        qemuImg(
                "create",
                "-q",
                "-f",
                "qcow2",
                guest.resolve("vm-100-disk-1.qcow2").toString(),
                "64M");
        qemuImg(
                "create",
                "-q",
                "-f",
                "qcow2",
                template.resolve("base-9000-disk-0.qcow2").toString(),
                "32M");
        qemuImg(
                "create",
                "-q",
                "-f",
                "qcow2",
                "-F",
                "qcow2",
                "-b",
                "../9000/base-9000-disk-0.qcow2",
                guest.resolve("vm-100-disk-2.qcow2").toString());
        Files.writeString(guest.resolve("notes.txt"), "no image\n");
        Files.writeString(guest.resolve("disk with spaces.raw"), "no valid name\n");
    }

    private static void qemuImg(String... arguments) {
        List<String> words = new ArrayList<>(List.of("qemu-img"));
        words.addAll(List.of(arguments));
        Command.of(words.toArray(String[]::new))
                .withErrorPrefix("unable to make the scratch storage")
                .run();
    }

    /** The storage's own directory. */
    Path path() {
        return scratch.resolve("storage");
    }

    /** Where sockets go. */
    Path runtime() {
        return scratch.resolve("run");
    }

    /** Where the daemon's log goes. */
    Path log() {
        return scratch.resolve("daemon.log");
    }

    @Override
    public void close() throws IOException {
        if (!Files.exists(scratch)) {
            return;
        }
        Files.walkFileTree(scratch, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e) throws IOException {
                Files.delete(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
