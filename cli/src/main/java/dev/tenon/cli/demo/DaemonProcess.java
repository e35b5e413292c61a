package dev.tenon.cli.demo;

import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.host.Home;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A daemon of its own for the demonstration, as {@code tenon serve} starts it. */
final class DaemonProcess implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(20);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(10);

    private final Process process;
    private final Path socket;

    private DaemonProcess(Process process, Path socket) {
        this.process = process;
        this.socket = socket;
    }

    static DaemonProcess start(Path socket, Path log) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument ->
                        argument.startsWith("-X") || argument.startsWith("--") || argument.startsWith("-Dio."))
                .forEach(command::add);
        command.addAll(List.of(
                "-Dtenon.home=" + Home.directory(),
                "-cp",
                System.getProperty("java.class.path"),
                "dev.tenon.cli.Tenon",
                "serve",
                "--socket",
                socket.toString(),
                "--journal",
                socket.resolveSibling("journal").toString()));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .redirectInput(new File("/dev/null"))
                .start();
        DaemonProcess daemon = new DaemonProcess(process, socket);
        try {
            daemon.awaitReady(log);
            return daemon;
        } catch (IOException | InterruptedException e) {
            daemon.close();
            throw e;
        }
    }

    private void awaitReady(Path log) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (!UnixSockets.isAnswered(socket)) {
            if (process.waitFor(20, TimeUnit.MILLISECONDS)) {
                throw new IOException(
                        "the daemon ended with exit status " + process.exitValue() + ": " + Files.readString(log));
            }
            if (System.nanoTime() > deadline) {
                throw new IOException(
                        "the daemon does not answer after " + START_LIMIT.toSeconds() + " s: " + Files.readString(log));
            }
        }
    }

    long pid() {
        return process.pid();
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
