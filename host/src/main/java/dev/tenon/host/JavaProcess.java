package dev.tenon.host;

import dev.tenon.bridge.transport.UnixSockets;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM of its own that listens on sockets, of this installation and with the options of this JVM. */
public final class JavaProcess implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(10);

    private final Process process;

    private JavaProcess(Process process) {
        this.process = process;
    }

    /**
     * Starts a class and waits until all the sockets answer.
     *
     * @param log the file that gets what it prints
     * @throws IOException if it ends before, or one does not answer within a minute; the message holds the log.
     *     Nothing of it is left then
     */
    public static JavaProcess start(Class<?> main, List<String> arguments, List<Path> sockets, Path log)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options());
        command.addAll(List.of(
                "-Dtenon.home=" + Home.directory(), "-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .redirectInput(new File("/dev/null"))
                .start();
        JavaProcess started = new JavaProcess(process);
        try {
            for (Path socket : sockets) {
                started.awaitAnswer(socket, log);
            }
            return started;
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            started.close();
            throw e;
        }
    }

    /** What this JVM was started with, as far as it is for the other too. */
    public static List<String> options() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument ->
                        argument.startsWith("-X") || argument.startsWith("--") || argument.startsWith("-Dio."))
                .toList();
    }

    private void awaitAnswer(Path socket, Path log) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (!UnixSockets.isAnswered(socket)) {
            if (process.waitFor(20, TimeUnit.MILLISECONDS)) {
                throw new IOException("the process that should listen on '" + socket + "' ended with exit status "
                        + process.exitValue() + ": " + Files.readString(log));
            }
            if (System.nanoTime() > deadline) {
                throw new IOException("nothing listens on '" + socket + "' after " + START_LIMIT.toSeconds() + " s: "
                        + Files.readString(log));
            }
        }
    }

    public long pid() {
        return process.pid();
    }

    /** Ends it, and waits until it has ended. */
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
