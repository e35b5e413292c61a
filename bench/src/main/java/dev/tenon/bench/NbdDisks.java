package dev.tenon.bench;

import dev.tenon.core.backup.nbd.Extent;
import dev.tenon.core.backup.nbd.FileDisk;
import dev.tenon.core.backup.nbd.NbdClient;
import dev.tenon.core.backup.nbd.NbdReader;
import dev.tenon.core.backup.nbd.NbdServer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/** Disks over NBD: our server beside qemu-nbd under the same client, our reader beside nbdcopy at the same server. */
final class NbdDisks {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int BLOCK = 512 << 10;
    private static final int AT_ONCE = 6;
    private static final int MANY = 16;
    private static final double MIB = 1 << 20;

    private final Scratch scratch;
    private final Report report;
    private final long size;
    private final int rounds;
    private final Path image;

    private NbdDisks(Scratch scratch, Report report, int imageMib, int rounds) {
        this.scratch = scratch;
        this.report = report;
        this.size = (long) imageMib << 20;
        this.rounds = rounds;
        this.image = scratch.file("nbd.raw");
    }

    static void run(Scratch scratch, Report report, int imageMib, int rounds) throws IOException {
        NbdDisks disks = new NbdDisks(scratch, report, imageMib, rounds);
        report.line("");
        report.line("Disks over NBD, an image of " + imageMib + " MiB in the page cache");
        disks.fill();
        disks.servers();
        disks.readers();
        disks.sparse();
        disks.memory();
        Files.delete(disks.image);
    }

    private void fill() throws IOException {
        byte[] bytes = new byte[1 << 20];
        java.util.SplittableRandom random = new java.util.SplittableRandom(1);
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long at = 0; at < size; at += bytes.length) {
                random.nextBytes(bytes);
                channel.write(java.nio.ByteBuffer.wrap(bytes), at);
            }
            channel.force(true);
        }
    }

    private interface Turn {
        void run() throws IOException;
    }

    private static double time(Turn turn) throws IOException {
        long begin = System.nanoTime();
        turn.run();
        return System.nanoTime() - begin;
    }

    /** A line of the table: speeds and the ratio, ours beside theirs, in turns after one that does not count. */
    private void compare(String what, String peer, double target, Turn ours, Turn theirs) throws IOException {
        double[] mine = new double[rounds];
        double[] other = new double[rounds];
        double[] ratios = new double[rounds];
        ours.run();
        theirs.run();
        for (int i = 0; i < rounds; i++) {
            mine[i] = time(ours);
            other[i] = time(theirs);
            ratios[i] = other[i] / mine[i];
        }
        double ratio = Series.median(ratios);
        java.util.Arrays.sort(ratios);
        report.line(String.format(
                Locale.ROOT,
                "  %-42s %7.0f MiB/s, %s %7.0f MiB/s: %4.2f (%4.2f .. %4.2f) %s",
                what,
                size / MIB / (Series.median(mine) / 1e9),
                peer,
                size / MIB / (Series.median(other) / 1e9),
                ratio,
                ratios[0],
                ratios[ratios.length - 1],
                ratio >= target ? "good" : "OVER"));
    }

    private static String uri(Path socket) {
        return "nbd+unix:///?socket=" + socket;
    }

    private void servers() throws IOException {
        try (FileDisk disk = FileDisk.open(image, false, Map.of());
                NbdServer server = NbdServer.listen(scratch.file("ours.sock"), Map.of("", disk));
                Qemu qemu = new Qemu(image, scratch.file("qemu.sock"))) {
            for (int connections : new int[] {1, 4}) {
                String option = "--connections=" + connections;
                compare(
                        "our server, nbdcopy with " + connections + " connections",
                        "qemu-nbd",
                        1.0,
                        () -> Host.run("nbdcopy", option, uri(server.socket()), "null:"),
                        () -> Host.run("nbdcopy", option, uri(qemu.socket), "null:"));
            }
        }
    }

    private void readers() throws IOException {
        try (Qemu qemu = new Qemu(image, scratch.file("qemu.sock"))) {
            for (int connections : new int[] {1, 4}) {
                compare(
                        "our reader, " + connections + " connections to qemu-nbd",
                        "nbdcopy",
                        0.9,
                        () -> require(read(qemu.socket, connections), size),
                        () -> Host.run("nbdcopy", "--connections=" + connections, uri(qemu.socket), "null:"));
            }
        }
    }

    private static void require(long read, long wanted) {
        if (read != wanted) {
            throw new IllegalStateException(read + " bytes were read instead of " + wanted);
        }
    }

    private static List<NbdClient> connect(Path socket, int connections) throws IOException {
        List<NbdClient> clients = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            clients.add(NbdClient.connect(socket, "", i == 0 ? Extent.ALLOCATION : null, LIMIT));
        }
        return clients;
    }

    private static long read(Path socket, int connections) throws IOException {
        LongAdder bytes = new LongAdder();
        List<NbdClient> clients = connect(socket, connections);
        try {
            new NbdReader(clients, BLOCK, AT_ONCE).readAll((offset, data) -> bytes.add(data.remaining()));
        } finally {
            clients.forEach(NbdClient::close);
        }
        return bytes.sum();
    }

    private static long readData(Path socket) throws IOException {
        LongAdder bytes = new LongAdder();
        List<NbdClient> clients = connect(socket, 4);
        try {
            new NbdReader(clients, BLOCK, AT_ONCE)
                    .readChosen(
                            clients.getFirst(),
                            extent -> !extent.has(Extent.ZERO),
                            (offset, data) -> bytes.add(data.remaining()));
        } finally {
            clients.forEach(NbdClient::close);
        }
        return bytes.sum();
    }

    /** The same data in a file of its own, and spread over a tebibyte. */
    private void sparse() throws IOException {
        Path vast = scratch.file("vast.raw");
        long piece = 16 << 20;
        long pieces = size / piece;
        try (RandomAccessFile file = new RandomAccessFile(vast.toFile(), "rw");
                FileChannel from = FileChannel.open(image, StandardOpenOption.READ)) {
            file.setLength(1L << 40);
            for (long i = 0; i < pieces; i++) {
                file.getChannel().position(i * ((1L << 40) / pieces));
                from.transferTo(i * piece, piece, file.getChannel());
            }
            file.getChannel().force(true);
        }
        try (Qemu dense = new Qemu(image, scratch.file("dense.sock"));
                Qemu spread = new Qemu(vast, scratch.file("spread.sock"))) {
            compare(
                    "1 TiB with the same data, by block status",
                    "alone",
                    1 / 1.2,
                    () -> require(readData(spread.socket), pieces * piece),
                    () -> require(readData(dense.socket), size));
        }
        Files.delete(vast);
    }

    private void memory() throws IOException {
        try (FileDisk disk = FileDisk.open(image, false, Map.of());
                NbdServer server = NbdServer.listen(scratch.file("ours.sock"), Map.of("", disk))) {
            long before = resident();
            List<Process> readers = new ArrayList<>();
            for (int i = 0; i < MANY; i++) {
                readers.add(new ProcessBuilder("nbdcopy", "--connections=1", uri(server.socket()), "null:").start());
            }
            long most = before;
            while (readers.stream().anyMatch(Process::isAlive)) {
                most = Math.max(most, resident());
            }
            report.line(String.format(
                    Locale.ROOT,
                    "  %-42s %7.1f MiB more %s",
                    "memory while " + MANY + " clients read",
                    (most - before) / MIB,
                    most - before < 64 << 20 ? "good" : "OVER"));
        }
    }

    private static long resident() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                .sum();
    }

    /** qemu-nbd on an image, read-only, for as long as it is open. */
    private static final class Qemu implements AutoCloseable {
        private final Path socket;
        private final Process process;

        Qemu(Path image, Path socket) throws IOException {
            this.socket = socket;
            this.process = new ProcessBuilder(
                            "qemu-nbd", "-t", "-r", "-e", "16", "-f", "raw", "-k", socket.toString(), image.toString())
                    .inheritIO()
                    .start();
            long end = System.nanoTime() + LIMIT.toNanos();
            while (!Files.exists(socket)) {
                if (!process.isAlive() || System.nanoTime() > end) {
                    close();
                    throw new IOException("qemu-nbd does not listen");
                }
                Thread.onSpinWait();
            }
        }

        @Override
        public void close() {
            process.destroy();
            try {
                if (!process.waitFor(10, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
    }
}
