package dev.tenon.bench;

import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Listings of directory storages. */
final class Directories {
    private static final int IMAGES = 1000;
    private static final int MANY = 100_000;
    private static final int GUESTS = 100;
    private static final int ROUNDS = 9;
    private static final double TARGET_FACTOR = 100;
    private static final double TARGET_SECONDS = 2;
    private static final double NANOS = 1e9;
    private static final double MILLIS = 1e6;
    private static final double KIB = 1024;

    private final Scratch scratch;
    private final Report report;

    private Directories(Scratch scratch, Report report) {
        this.scratch = scratch;
        this.report = report;
    }

    static void run(Scratch scratch, Report report) throws IOException {
        Directories directories = new Directories(scratch, report);
        report.line("");
        report.line("Listing a directory storage");
        directories.listBesideQemuImg();
        directories.listMany();
    }

    /** What the Perl of a directory storage does for each image is one qemu-img info. */
    private void listBesideQemuImg() throws IOException {
        Path storage = scratch.file("thousand");
        fill(storage, IMAGES, 1);
        List<Path> images = new ArrayList<>();
        try (var files = Files.newDirectoryStream(storage.resolve("images/100"))) {
            files.forEach(images::add);
        }
        double[] ours = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            ours[round] = list(storage, IMAGES);
        }
        long begin = System.nanoTime();
        for (Path image : images) {
            Host.run("qemu-img", "info", "--output=json", "-f", "qcow2", image.toString());
        }
        double theirs = System.nanoTime() - begin;
        double median = Series.median(ours);
        double factor = theirs / median;
        report.line(String.format(
                Locale.ROOT,
                "  %-30s %9.1f ms, one qemu-img info for each %.1f ms: %.0f times as fast %s",
                IMAGES + " qcow2 images",
                median / MILLIS,
                theirs / MILLIS,
                factor,
                factor >= TARGET_FACTOR ? "good" : "SHORT"));
    }

    private void listMany() throws IOException {
        Path few = scratch.file("few");
        Path many = scratch.file("many");
        fill(few, MANY / 10, GUESTS);
        fill(many, MANY, GUESTS);
        double[] tenth = new double[ROUNDS];
        double[] all = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            tenth[round] = list(few, MANY / 10);
            all[round] = list(many, MANY);
        }
        double seconds = Series.median(all) / NANOS;
        report.line(String.format(
                Locale.ROOT,
                "  %-30s %9.1f ms, %.2f times as long for each as with %d: %s",
                MANY + " qcow2 images",
                Series.median(all) / MILLIS,
                Series.median(all) / Series.median(tenth) / 10,
                MANY / 10,
                seconds < TARGET_SECONDS ? "good" : "OVER"));
        long before = liveHeap();
        List<VolumeInfo> kept = listed(many);
        long after = liveHeap();
        report.line(String.format(
                Locale.ROOT,
                "  %-30s %9.1f MiB of heap for a list of %d",
                "",
                (after - before) / KIB / KIB,
                kept.size()));
    }

    /** Images of the smallest clusters: the header is what is read of any. */
    private void fill(Path storage, int count, int guests) throws IOException {
        Path image = scratch.file("model.qcow2");
        if (!Files.exists(image)) {
            Host.run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512", image.toString(), "1M");
        }
        byte[] bytes = Files.readAllBytes(image);
        for (int i = 0; i < count; i++) {
            int guest = 100 + i % guests;
            Path directory = storage.resolve("images/" + guest);
            if (i < guests) {
                Files.createDirectories(directory);
            }
            Files.write(directory.resolve("vm-" + guest + "-disk-" + i + ".qcow2"), bytes);
        }
    }

    private static double list(Path storage, int expected) {
        long begin = System.nanoTime();
        int found = listed(storage).size();
        long end = System.nanoTime();
        if (found != expected) {
            throw new IllegalStateException(found + " of " + expected + " images are listed");
        }
        return end - begin;
    }

    private static List<VolumeInfo> listed(Path storage) {
        return new DirPlugin()
                .listImages(
                        Storage.of("bench", "dir", Map.of("path", storage.toString(), "content", "images")),
                        ImageFilter.all(),
                        OperationCache.create());
    }

    @SuppressWarnings("SystemGc")
    private static long liveHeap() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
