package dev.tenon.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Imports of a disk of which all is zero, from a pipe, beside a loop in C that reads and compares. Nothing is written, so
 * the time is that of reading and of finding out.
 */
final class Zeroes {
    private static final double TARGET = 0.8;
    private static final String IMAGE = "vm-100-disk-9.raw";

    private final Peer peer;
    private final Mover mover;
    private final Scratch scratch;
    private final Path target;
    private final long size;
    private int pipes;

    private Zeroes(Peer peer, Mover mover, Scratch scratch, Path target, long size) {
        this.peer = peer;
        this.mover = mover;
        this.scratch = scratch;
        this.target = target;
        this.size = size;
    }

    static void run(Scratch scratch, Report report, int imageMib, int rounds) throws IOException, InterruptedException {
        Path images = Files.createDirectories(scratch.file("zeroes").resolve("images/100"));
        report.line("");
        report.line("Imports of zeroes, raw+size, beside a loop of read, memcmp and ftruncate in C");
        Turns ours = new Turns();
        Turns bare = new Turns();
        try (Mover mover = Mover.start(scratch, 1)) {
            Zeroes zeroes =
                    new Zeroes(Peer.compile(scratch), mover, scratch, images.resolve(IMAGE), (long) imageMib << 20);
            Turns.take(Turns.CLOSE * rounds, List.of(ours, bare), () -> zeroes.ours(ours), () -> zeroes.bare(bare));
        }
        ours.report(report, "of " + imageMib + " MiB");
        ours.beside(report, "the loop in C", bare, TARGET);
        report.line(String.format(
                Locale.ROOT, "  The loop's CPU is %.1f ms. Target: %.1f of its speed.", bare.cpuMillis(), TARGET));
    }

    private void ours(Turns turns) throws IOException, InterruptedException {
        Path pipe = nextPipe();
        Process writer = Peer.start(peer.into("pipe", pipe, peer.zeroes(size)));
        double cpu = mover.cpuNanos();
        long begin = System.nanoTime();
        mover.client().importFrom(pipe, target);
        mover.client().await();
        turns.add((double) (System.nanoTime() - begin), mover.cpuNanos() - cpu);
        end(writer, pipe);
    }

    private void bare(Turns turns) throws IOException, InterruptedException {
        Path pipe = nextPipe();
        Process writer = Peer.start(peer.into("pipe", pipe, peer.zeroes(size)));
        Peer.Cost cost = Peer.run(peer.sparse(pipe, target));
        turns.add(cost.nanos(), cost.cpuNanos());
        end(writer, pipe);
    }

    private Path nextPipe() throws IOException {
        Path pipe = scratch.file("zeroes-" + ++pipes);
        Peer.makePipe(pipe);
        return pipe;
    }

    private void end(Process writer, Path pipe) throws IOException, InterruptedException {
        if (writer.waitFor() != 0 || Files.size(target) != size) {
            throw new IOException("'" + target + "' is not what was sent");
        }
        Files.delete(target);
        Files.delete(pipe);
    }
}
