package dev.tenon.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Exports and imports of volumes, beside what PVE runs and the least that the kernel needs. The time of an export goes from
 * its first byte to its end, so that no start of a process counts; how long Tenon's first byte takes is told beside it.
 */
final class Transfers {
    private static final double TARGET_SPLICED = 8;
    private static final double TARGET_COPIED = 1.2;
    private static final double TARGET_CPU = 0.25;
    private static final double TARGET_BARE = 0.9;
    private static final double TARGET_SPARSE = 5;
    private static final double TARGET_IMPORT = 0.9;
    private static final double TARGET_TOGETHER = 1.1;
    private static final long TARGET_GROWTH = 32L << 20;

    /** As large as Tenon makes it. */
    private static final int LARGE_PIPE = 1 << 20;

    private static final int TOGETHER = 16;
    private static final int HEADER = Long.BYTES;
    private static final int PIECE = 1 << 20;
    /** One piece of so many is data in the sparse image. */
    private static final int ONE_OF = 20;

    private static final int SMALL_MIB = 64;
    private static final double MIB = 1 << 20;

    private final Peer peer;
    private final Mover mover;
    private final Report report;
    private final Scratch scratch;
    private final int rounds;
    private int sinks;

    private Transfers(Peer peer, Mover mover, Report report, Scratch scratch, int rounds) {
        this.peer = peer;
        this.mover = mover;
        this.report = report;
        this.scratch = scratch;
        this.rounds = rounds;
    }

    static void run(Scratch scratch, Report report, int imageMib, int rounds) throws IOException, InterruptedException {
        Path images = images(scratch.file("transfers"));
        Path full = images.resolve("vm-100-disk-0.raw");
        Path sparse = images.resolve("vm-100-disk-1.raw");
        Path quarter = images.resolve("vm-100-disk-2.raw");
        Path small = images.resolve("vm-100-disk-3.raw");
        int quarterMib = Math.max(1, imageMib / 4);
        Peer peer = Peer.compile(scratch);
        try (Mover mover = Mover.start(scratch, TOGETHER)) {
            Transfers transfers = new Transfers(peer, mover, report, scratch, rounds);
            report.line("");
            report.line("Exports of an image of " + imageMib
                    + " MiB, raw+size, beside dd bs=4k as PVE runs it and beside a" + " loop of sendfile in C");
            transfers.fill(full, imageMib, 1);
            for (Peer.Sink sink : Peer.Sink.values()) {
                transfers.exportBesideOthers(sink, full);
            }
            Files.delete(full);
            transfers.fill(sparse, imageMib, ONE_OF);
            transfers.exportSparse(sparse);
            Files.delete(sparse);
            transfers.fill(quarter, quarterMib, 1);
            transfers.fill(small, Math.min(SMALL_MIB, quarterMib), 1);
            report.line("");
            report.line(TOGETHER + " exports at once");
            transfers.exportTogether(small, quarter);
            report.line("");
            report.line("Imports of an image of " + quarterMib + " MiB from a pipe, beside dd bs=1M");
            transfers.importOnDisk(quarter);
            transfers.importInMemory(quarter);
        }
        report.line("");
        report.line(String.format(
                Locale.ROOT,
                "%d transfers of each peer that take turns, and %d of those beside sendfile, after one to warm up; times are medians, a ratio is the median"
                        + " over the turns (least .. most). CPU is user and system time of the daemon and its Perl clients,"
                        + " and of dd. An export's time begins with its first byte."
                        + " Targets: %.0f times as fast as dd into a pipe that is spliced, %.1f into others, with %.2f of"
                        + " its CPU; %.1f of the speed of sendfile; a sparse image %.0f times; imports %.1f of dd's speed;"
                        + " %d at once %.1f of the time of one after the other, and %d MiB more memory.",
                rounds,
                Turns.CLOSE * rounds,
                TARGET_SPLICED,
                TARGET_COPIED,
                TARGET_CPU,
                TARGET_BARE,
                TARGET_SPARSE,
                TARGET_IMPORT,
                TOGETHER,
                TARGET_TOGETHER,
                TARGET_GROWTH >> 20));
        report.line("Copies within one file system, beside cp: bin/bench copies");
    }

    private static Path images(Path storage) throws IOException {
        return Files.createDirectories(storage.resolve("images/100"));
    }

    /** Random data in one of so many pieces, and holes in the others; in memory afterwards. */
    private void fill(Path image, int mib, int oneOf) throws IOException, InterruptedException {
        byte[] bytes = new byte[PIECE];
        new SplittableRandom(1).nextBytes(bytes);
        long size = (long) mib * PIECE;
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long at = 0; at < size; at += (long) oneOf * PIECE) {
                channel.write(ByteBuffer.wrap(bytes), at);
            }
            if (channel.size() < size) {
                channel.write(ByteBuffer.allocate(1), size - 1);
            }
            channel.force(true);
        }
        peer.settle(image);
        long missing = peer.settle(image);
        if (missing > 0) {
            throw new IOException("'" + image + "' does not stay in memory: " + missing
                    + " bytes were read from the disk again; take a smaller --image-mib");
        }
    }

    private void exportBesideOthers(Peer.Sink sink, Path image) throws IOException, InterruptedException {
        Turns ours = new Turns();
        Turns dd = new Turns();
        Turns bare = new Turns();
        Turns usual = new Turns();
        Turns.take(
                rounds,
                List.of(ours, dd, usual),
                () -> export(ours, sink, image),
                () -> other(dd, sink, image, Peer.pipeline(image)),
                () -> other(usual, sink, image, peer.sendfile(image, 0)));
        Turns oursBesideBare = new Turns();
        Turns.take(
                Turns.CLOSE * rounds,
                List.of(oursBesideBare, bare),
                () -> export(oursBesideBare, sink, image),
                () -> other(bare, sink, image, peer.sendfile(image, LARGE_PIPE)));
        boolean isSpliced = sink == Peer.Sink.SPLICED_PIPE;
        exported("into " + sink, ours);
        ours.beside(report, "dd bs=4k", dd, isSpliced ? TARGET_SPLICED : TARGET_COPIED);
        double cpu = ours.cpuMillis() / dd.cpuMillis();
        report.line(String.format(
                Locale.ROOT,
                "    %-36s %9.1f ms: %.2f of it %s",
                "CPU of dd",
                dd.cpuMillis(),
                cpu,
                cpu <= TARGET_CPU ? "good" : "OVER"));
        oursBesideBare.beside(
                report, sink == Peer.Sink.COPIED_SOCKET ? "sendfile" : "sendfile, pipe of 1 MiB", bare, TARGET_BARE);
        if (sink != Peer.Sink.COPIED_SOCKET) {
            ours.beside(report, "sendfile, pipe as it is", usual, 0);
        }
    }

    private void exportSparse(Path image) throws IOException, InterruptedException {
        Turns ours = new Turns();
        Turns dd = new Turns();
        Peer.Sink sink = Peer.Sink.SPLICED_PIPE;
        Turns.take(
                rounds,
                List.of(ours, dd),
                () -> export(ours, sink, image),
                () -> other(dd, sink, image, Peer.pipeline(image)));
        exported("5 % data, into " + sink, ours);
        ours.beside(report, "dd bs=4k", dd, TARGET_SPARSE);
    }

    private void exportTogether(Path small, Path large) throws IOException, InterruptedException {
        for (Peer.Sink sink : Peer.Sink.values()) {
            export(new Turns(), sink, small);
        }
        long before = mover.resident();
        for (Path image : List.of(small, large)) {
            mover.forgetMostResident();
            for (int round = 0; round < rounds; round++) {
                together(image);
            }
            long growth = mover.mostResident() - before;
            report.line(String.format(
                    Locale.ROOT,
                    "  %-38s %9.1f MiB of memory, %.1f before: %.1f more %s",
                    "of " + (Files.size(image) >> 20) + " MiB",
                    (before + growth) / MIB,
                    before / MIB,
                    growth / MIB,
                    growth < TARGET_GROWTH ? "good" : "OVER"));
        }
        Turns together = new Turns();
        Turns alone = new Turns();
        Turns.take(rounds, List.of(together, alone), () -> together.add(together(large), 0), () -> {
            double nanos = 0;
            for (int i = 0; i < TOGETHER; i++) {
                Turns one = new Turns();
                export(one, Peer.Sink.SPLICED_PIPE, large);
                nanos += one.nanosFromTheCall();
            }
            alone.add(nanos, 0);
        });
        double[] ratios = alone.speeds(together);
        double ratio = Series.median(ratios);
        report.line(String.format(
                Locale.ROOT,
                "  %-38s %9.1f ms, one after the other %.1f ms: %.2f (%.2f .. %.2f) of it %s",
                "of " + (Files.size(large) >> 20) + " MiB",
                together.millis(),
                alone.millis(),
                ratio,
                ratios[0],
                ratios[ratios.length - 1],
                ratio <= TARGET_TOGETHER ? "good" : "OVER"));
    }

    private double together(Path image) throws IOException, InterruptedException {
        List<Path> paths = new ArrayList<>();
        List<Peer.Drain> drains = new ArrayList<>();
        for (Mover.Client _ : mover.clients()) {
            paths.add(nextSink());
            drains.add(peer.drain(Peer.Sink.SPLICED_PIPE, paths.getLast()));
        }
        long begin = System.nanoTime();
        for (int i = 0; i < paths.size(); i++) {
            mover.clients().get(i).export(image, Peer.Sink.SPLICED_PIPE.kind(), paths.get(i));
        }
        long end = begin;
        for (Peer.Drain drain : drains) {
            end = Math.max(end, whole(drain, image).end());
        }
        for (Mover.Client client : mover.clients()) {
            client.await();
        }
        return end - begin;
    }

    private void export(Turns turns, Peer.Sink sink, Path image) throws IOException, InterruptedException {
        Path path = nextSink();
        Peer.Drain drain = peer.drain(sink, path);
        double cpu = mover.cpuNanos();
        long begin = System.nanoTime();
        mover.client().export(image, sink.kind(), path);
        Peer.Drained drained = whole(drain, image);
        mover.client().await();
        turns.add((double) (drained.end() - drained.begin()), mover.cpuNanos() - cpu);
        turns.addFirst((double) (drained.begin() - begin));
    }

    private void other(Turns turns, Peer.Sink sink, Path image, List<String> command)
            throws IOException, InterruptedException {
        Path path = nextSink();
        Peer.Drain drain = peer.drain(sink, path);
        Peer.Cost cost = Peer.run(peer.into(sink.kind(), path, command));
        Peer.Drained drained = whole(drain, image);
        turns.add((double) (drained.end() - drained.begin()), cost.cpuNanos());
    }

    private static Peer.Drained whole(Peer.Drain drain, Path image) throws IOException, InterruptedException {
        Peer.Drained drained = drain.await();
        if (drained.bytes() != HEADER + Files.size(image)) {
            throw new IOException(drained.bytes() + " bytes came of '" + image + "'");
        }
        return drained;
    }

    private Path nextSink() {
        return scratch.file("sink-" + ++sinks);
    }

    private void importOnDisk(Path source) throws IOException, InterruptedException {
        Turns ours = new Turns();
        Turns dd = new Turns();
        Path target = source.resolveSibling("vm-100-disk-9.raw");
        Turns.take(
                rounds,
                List.of(ours, dd),
                () -> importOurs(ours, source, target),
                () -> importByDd(dd, source, target, "conv=fsync"));
        ours.report(report, "into a file on the disk, synced");
        ours.beside(report, "dd bs=1M conv=fsync", dd, TARGET_IMPORT);
    }

    /** Where a sync costs nothing, dd is not asked for one. */
    private void importInMemory(Path source) throws IOException, InterruptedException {
        Path memory = Path.of("/dev/shm");
        if (!Files.isDirectory(memory)
                || !"tmpfs".equals(Files.getFileStore(memory).type())) {
            report.line("  SKIPPED: /dev/shm is no tmpfs");
            return;
        }
        Path storage = Files.createTempDirectory(memory, "tenon-bench-");
        Turns ours = new Turns();
        Turns dd = new Turns();
        try {
            Path target = images(storage).resolve("vm-100-disk-9.raw");
            Turns.take(
                    rounds,
                    List.of(ours, dd),
                    () -> importOurs(ours, source, target),
                    () -> importByDd(dd, source, target, "conv=notrunc"));
        } finally {
            Scratch.remove(storage);
        }
        ours.report(report, "into a file in a tmpfs");
        ours.beside(report, "dd bs=1M", dd, TARGET_IMPORT);
    }

    private void importOurs(Turns turns, Path source, Path target) throws IOException, InterruptedException {
        Path pipe = nextSink();
        Peer.makePipe(pipe);
        peer.warm(2 * Files.size(source));
        Process writer = Peer.start(peer.into("pipe", pipe, peer.sendfile(source, 0)));
        double cpu = mover.cpuNanos();
        long begin = System.nanoTime();
        mover.client().importFrom(pipe, target);
        mover.client().await();
        turns.add((double) (System.nanoTime() - begin), mover.cpuNanos() - cpu);
        arrived(turns, writer, source, target, pipe);
    }

    private void importByDd(Turns turns, Path source, Path target, String option)
            throws IOException, InterruptedException {
        Path pipe = nextSink();
        Peer.makePipe(pipe);
        peer.warm(2 * Files.size(source));
        Process writer = Peer.start(peer.into("pipe", pipe, peer.sendfile(source, 0)));
        Peer.Cost cost = Peer.run(List.of(
                "sh",
                "-c",
                "exec <\"$1\"; dd bs=8 count=1 of=/dev/null status=none; exec dd bs=1M of=\"$2\" status=none \"$3\"",
                "sh",
                pipe.toString(),
                target.toString(),
                option));
        turns.add(cost.nanos(), cost.cpuNanos());
        arrived(turns, writer, source, target, pipe);
    }

    private static void arrived(Turns turns, Process writer, Path source, Path target, Path pipe)
            throws IOException, InterruptedException {
        // Reading all of it each time would let the memory become cold.
        boolean isWhole =
                turns.isWarm() ? Files.size(source) == Files.size(target) : Files.mismatch(source, target) < 0;
        if (writer.waitFor() != 0 || !isWhole) {
            throw new IOException("'" + target + "' is not what was sent");
        }
        Files.delete(target);
        Files.delete(pipe);
    }

    private void exported(String what, Turns ours) {
        report.line(String.format(
                Locale.ROOT,
                "  %-38s %9.1f ms, CPU %.1f ms, first byte after %.1f ms",
                what,
                ours.millis(),
                ours.cpuMillis(),
                ours.firstMillis()));
    }
}
