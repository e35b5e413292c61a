package dev.tenon.core.backup.nbd;

import static org.awaitility.Awaitility.await;

import dev.tenon.core.command.Command;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Programs of others that speak NBD, each on a socket of its own, ended with the test. */
final class Peers implements AutoCloseable {
    private final Path directory;
    private final List<Process> processes = new ArrayList<>();

    Peers(Path directory) {
        this.directory = directory;
    }

    /** Starts a server; the word {@code SOCKET} in its arguments becomes the path of its socket, which is returned. */
    Path serve(String... arguments) throws IOException {
        Path socket = directory.resolve("peer-" + processes.size() + ".sock");
        Path log = directory.resolve("peer-" + processes.size() + ".log");
        List<String> command = new ArrayList<>();
        for (String argument : arguments) {
            command.add(argument.replace("SOCKET", socket.toString()));
        }
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        processes.add(process);
        await().atMost(Duration.ofSeconds(20)).until(() -> {
            if (!process.isAlive()) {
                throw new IllegalStateException(command + " ended: " + Files.readString(log));
            }
            return Files.exists(socket);
        });
        return socket;
    }

    /** Has all of them stop where they are, or go on. */
    void signal(String name) {
        processes.forEach(process ->
                Command.of("kill", "-" + name, String.valueOf(process.pid())).run());
    }

    static String run(String... arguments) {
        return Command.of(arguments).withErrorPrefix(arguments[0]).run();
    }

    static String uri(Path socket, String export) {
        return "nbd+unix:///" + export + "?socket=" + socket;
    }

    /** A raw image with data, zeroes that are written, and holes, different for each seed. */
    static Path image(Path file, long size, long seed) throws IOException {
        Random random = new Random(seed);
        try (FileChannel channel = FileChannel.open(
                file, java.nio.file.StandardOpenOption.CREATE_NEW, java.nio.file.StandardOpenOption.WRITE)) {
            for (int i = 0; i < 12; i++) {
                byte[] block = new byte[1 + random.nextInt(200_000)];
                if (i % 4 != 3) {
                    random.nextBytes(block);
                }
                long at = (long) (random.nextDouble() * (size - block.length));
                channel.write(java.nio.ByteBuffer.wrap(block), at);
            }
        }
        try (java.io.RandomAccessFile whole = new java.io.RandomAccessFile(file.toFile(), "rw")) {
            whole.setLength(size);
        }
        return file;
    }

    @Override
    public void close() {
        processes.forEach(Process::destroy);
        for (Process process : processes) {
            try {
                if (!process.waitFor(10, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                process.destroyForcibly();
            }
        }
    }
}
