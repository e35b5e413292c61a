package dev.tenon.it.support;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A btrfs file system in a file, mounted until the test is over. */
public final class BtrfsMount {
    private static final long SIZE = 256L << 20;

    private BtrfsMount() {}

    /** Mounts one and returns its root. Skips the test where this user may not mount. */
    public static Path make(Scratch scratch) throws IOException {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root may mount a file system");
        Path disk = scratch.file("btrfs.img");
        try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(SIZE);
        }
        run("mkfs.btrfs", "-q", disk.toString());
        Path mounted = Files.createDirectory(scratch.file("btrfs"));
        run("mount", "-o", "loop", disk.toString(), mounted.toString());
        scratch.closing(() -> run("umount", mounted.toString()));
        return mounted;
    }

    private static void run(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.onExit().join().exitValue())
                .as(String.join(" ", command) + ": " + output)
                .isZero();
    }
}
