package dev.tenon.bench;

import dev.tenon.host.Home;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The program in C at the other ends of transfers, and what else runs beside Tenon. */
final class Peer {
    /** How a stream is taken from the one who writes it. */
    enum Sink {
        SPLICED_PIPE("splice", "pipe", "a pipe that is spliced"),
        COPIED_PIPE("copy", "pipe", "a pipe that is read"),
        COPIED_SOCKET("copy", "socket", "a Unix socket that is read");

        private final String how;
        private final String kind;
        private final String text;

        Sink(String how, String kind, String text) {
            this.how = how;
            this.kind = kind;
            this.text = text;
        }

        String kind() {
            return kind;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** What came through, and when the first and the last of it came, by {@link System#nanoTime}. */
    record Drained(long bytes, long begin, long end) {}

    /** What a command took. */
    record Cost(double nanos, double cpuNanos) {}

    private static final double NANOS_PER_SECOND = 1e9;

    private final Path program;

    private Peer(Path program) {
        this.program = program;
    }

    static Peer compile(Scratch scratch) throws IOException {
        Path program = scratch.file("peer");
        Host.run(
                "cc",
                "-O2",
                "-o",
                program.toString(),
                Home.directory().resolve("bench/src/main/c/peer.c").toString());
        return new Peer(program);
    }

    /** Somebody who reads a stream to its end. */
    static final class Drain {
        private final Process process;
        private final BufferedReader output;

        private Drain(Process process) {
            this.process = process;
            this.output = process.inputReader(StandardCharsets.US_ASCII);
        }

        Drained await() throws IOException, InterruptedException {
            String line = output.readLine();
            if (process.waitFor() != 0 || line == null) {
                throw new IOException("the reader of a stream ended with exit status " + process.exitValue());
            }
            String[] words = line.split(" ", -1);
            return new Drained(Long.parseLong(words[0]), Long.parseLong(words[1]), Long.parseLong(words[2]));
        }
    }

    /** Makes the pipe or socket, and waits for who writes. */
    Drain drain(Sink sink, Path path) throws IOException {
        Process process = start(List.of(program.toString(), "drain", sink.how, sink.kind, path.toString()));
        Drain drain = new Drain(process);
        if (!"ready".equals(drain.output.readLine())) {
            throw new IOException("nobody reads at '" + path + "'");
        }
        return drain;
    }

    /** Makes a named pipe. */
    static void makePipe(Path path) throws IOException {
        Host.run("mkfifo", "-m", "600", path.toString());
    }

    /** What PVE runs: the size by a printf of the shell, then dd. */
    static List<String> pipeline(Path image) throws IOException {
        StringBuilder header = new StringBuilder();
        long size = Files.size(image);
        for (int i = 0; i < Long.BYTES; i++) {
            header.append(String.format(Locale.ROOT, "\\%03o", (size >>> (i * Byte.SIZE)) & 0xff));
        }
        return List.of(
                "sh", "-c", "printf '" + header + "'; exec dd bs=4k status=none if=\"$1\"", "sh", image.toString());
    }

    /**
     * A loop of sendfile, with the size before it.
     *
     * @param pipeBytes how large the pipe is made; 0 to leave it as it is
     */
    List<String> sendfile(Path image, int pipeBytes) {
        return List.of(program.toString(), "sendfile", image.toString(), Integer.toString(pipeBytes));
    }

    /** The size and so many zeroes, as fast as the kernel can. */
    List<String> zeroes(long size) {
        return List.of(program.toString(), "zeroes", Long.toString(size));
    }

    /** A loop that reads such a stream into a new file, compares with zeroes, and leaves those out. */
    List<String> sparse(Path pipe, Path target) {
        return List.of(
                "sh",
                "-c",
                "exec <\"$1\"; exec \"$2\" sparse \"$3\"",
                "sh",
                pipe.toString(),
                program.toString(),
                target.toString());
    }

    /** A command whose standard output is the sink. */
    List<String> into(String kind, Path path, List<String> command) {
        List<String> all = new ArrayList<>(List.of(program.toString(), "to", kind, path.toString()));
        all.addAll(command);
        return all;
    }

    /** Runs a command of others to its end. */
    static Cost run(List<String> command) throws IOException, InterruptedException {
        List<String> timed = new ArrayList<>(
                List.of("bash", "-c", "TIMEFORMAT='%R %U %S'; exec 3>&2 2>&1; time \"$@\" 2>&3", "bash"));
        timed.addAll(command);
        Process process = start(timed);
        try (BufferedReader output = process.inputReader(StandardCharsets.US_ASCII)) {
            String line = output.readLine();
            if (process.waitFor() != 0 || line == null) {
                throw new IOException("command '" + String.join(" ", command) + "' ended with exit status "
                        + process.exitValue() + ": " + line);
            }
            String[] words = line.split(" ", -1);
            return new Cost(
                    Double.parseDouble(words[0]) * NANOS_PER_SECOND,
                    (Double.parseDouble(words[1]) + Double.parseDouble(words[2])) * NANOS_PER_SECOND);
        }
    }

    /** Reads a file, so that it lies in memory; returns how much of it had to be read from the disk. */
    long settle(Path file) throws IOException, InterruptedException {
        Process process = start(List.of(program.toString(), "settle", file.toString()));
        try (BufferedReader output = process.inputReader(StandardCharsets.US_ASCII)) {
            String line = output.readLine();
            if (process.waitFor() != 0 || line == null) {
                throw new IOException("'" + file + "' cannot be read");
            }
            return Long.parseLong(line);
        }
    }

    /** Has the kernel hold so much free memory that was just used: a virtual machine gets what it has not used slowly. */
    void warm(long bytes) throws IOException {
        Host.run(program.toString(), "warm", Long.toString(bytes));
    }

    /** What it complains of is shown. */
    static Process start(List<String> command) throws IOException {
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }
}
