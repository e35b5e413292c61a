package dev.tenon.bench;

import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.image.SparseCopy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;

/** Full copies of an image, on file systems in loop devices; needs root. */
final class Copies {
    private static final long SIZE = 10L << 30;
    /** A fifth of the image is data, in pieces. */
    private static final int PIECE = 4 << 20;

    private static final long EVERY = 20L << 20;
    private static final int ROUNDS = 5;
    private static final double MILLIS = 1e6;

    private final Path image;
    private final Path copy;
    private final Report report;
    private final String fileSystem;

    private Copies(Path directory, String fileSystem, Report report) {
        this.image = directory.resolve("image.raw");
        this.copy = directory.resolve("copy.raw");
        this.report = report;
        this.fileSystem = fileSystem;
    }

    static void run(Scratch scratch, Report report) throws IOException {
        report.line("");
        report.line("A full copy of an image of 10 GiB that holds 2 GiB of data");
        if (!"root".equals(System.getProperty("user.name"))) {
            report.line("  SKIPPED: only root can mount the file systems");
            return;
        }
        for (List<String> mkfs : List.of(
                List.of("mkfs.xfs", "-q", "-f", "-m", "reflink=1"),
                List.of("mkfs.btrfs", "-q", "-f"),
                List.of("mkfs.ext4", "-q", "-F"))) {
            String fileSystem = mkfs.getFirst().replaceFirst("mkfs\\.", "");
            try (Mounted mounted = Mounted.make(scratch.file(fileSystem), mkfs, SIZE * 2)) {
                Copies copies = new Copies(mounted.directory(), fileSystem, report);
                copies.fill();
                copies.compare();
            }
        }
    }

    private void fill() throws IOException {
        byte[] bytes = new byte[PIECE];
        new java.util.SplittableRandom(1).nextBytes(bytes);
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long at = 0; at < SIZE; at += EVERY) {
                channel.write(ByteBuffer.wrap(bytes), at);
            }
            channel.write(ByteBuffer.wrap(new byte[1]), SIZE - 1);
            channel.force(true);
        }
    }

    private interface Copying {
        void run() throws IOException;
    }

    private void compare() throws IOException {
        double[] ours = new double[ROUNDS];
        double[] shared = new double[ROUNDS];
        double[] copied = new double[ROUNDS];
        SparseCopy.Method method = SparseCopy.Method.COPY;
        // Where blocks cannot be shared, "always" fails.
        String reflink = "--reflink=" + (fileSystem.equals("ext4") ? "auto" : "always");
        for (int round = 0; round < ROUNDS; round++) {
            SparseCopy.Method[] used = new SparseCopy.Method[1];
            ours[round] = time(() ->
                    used[0] = SparseCopy.copy(image, copy, CopyProgress.NONE).method());
            method = used[0];
            shared[round] = time(() -> Host.run("cp", reflink, image.toString(), copy.toString()));
            copied[round] = time(() -> Host.run("cp", "--reflink=never", image.toString(), copy.toString()));
        }
        report.line(String.format(
                Locale.ROOT,
                "  %-8s %-8s %9.1f ms; cp %s %.1f ms: %.2f of it; cp --reflink=never %.1f ms: 1/%.0f of it",
                fileSystem,
                method,
                Series.median(ours) / MILLIS,
                reflink,
                Series.median(shared) / MILLIS,
                Series.median(ours) / Series.median(shared),
                Series.median(copied) / MILLIS,
                Series.median(copied) / Series.median(ours)));
    }

    /** Our copy is on the disk when it is done, and so must be theirs. */
    private double time(Copying copying) throws IOException {
        long begin = System.nanoTime();
        copying.run();
        try (FileChannel channel = FileChannel.open(copy, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        long end = System.nanoTime();
        Files.delete(copy);
        return end - begin;
    }
}
