package dev.tenon.bench;

import dev.tenon.cli.Tenon;
import dev.tenon.host.Home;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM of its own that listens on sockets, with the options of this one, which are those of the daemon. */
final class JavaProcess implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(20);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(10);
    private static final long KIB = 1024;
    /** Sets the kernel's VmHWM back to VmRSS. */
    private static final String FORGET_MOST = "5";

    private final Process process;

    private JavaProcess(Process process) {
        this.process = process;
    }

    /** Starts a class and waits until all the sockets answer. */
    static JavaProcess start(Class<?> main, List<String> arguments, List<Path> sockets, Path log)
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
        } catch (IOException | InterruptedException e) {
            started.close();
            throw e;
        }
    }

    /** Starts a daemon with a journal of its own and these plugins, which adopts nothing. */
    static JavaProcess daemon(Scratch scratch, Path control, Path... plugins) throws IOException, InterruptedException {
        String name = String.valueOf(control.getFileName()).replaceFirst("\\.sock$", "");
        List<String> arguments = new ArrayList<>(List.of(
                "serve",
                "--socket",
                control.toString(),
                "--journal",
                scratch.file(name + ".journal").toString(),
                "--adopted",
                scratch.file("nothing").toString()));
        for (Path plugin : plugins) {
            arguments.addAll(List.of("--plugin", plugin.toString()));
        }
        return start(Tenon.class, arguments, List.of(control), scratch.file(name + ".log"));
    }

    /** What this JVM was started with, as far as it is for the other too. */
    static List<String> options() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument ->
                        argument.startsWith("-X") || argument.startsWith("--") || argument.startsWith("-Dio."))
                .toList();
    }

    private void awaitAnswer(Path socket, Path log) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (!isAnswered(socket)) {
            if (process.waitFor(20, TimeUnit.MILLISECONDS)) {
                throw new IOException(
                        "the server ended with exit status " + process.exitValue() + ": " + Files.readString(log));
            }
            if (System.nanoTime() > deadline) {
                throw new IOException("nobody answers at '" + socket + "' after " + START_LIMIT.toSeconds() + " s: "
                        + Files.readString(log));
            }
        }
    }

    private static boolean isAnswered(Path socket) {
        if (!Files.exists(socket)) {
            return false;
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return probe.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            return false;
        }
    }

    long pid() {
        return process.pid();
    }

    /** Bytes of memory that the process has resident. */
    long resident() throws IOException {
        return memory("VmRSS:");
    }

    /** The most that was resident since {@link #forgetMostResident}. */
    long mostResident() throws IOException {
        return memory("VmHWM:");
    }

    void forgetMostResident() throws IOException {
        Files.writeString(Path.of("/proc", Long.toString(pid()), "clear_refs"), FORGET_MOST);
    }

    /** How often its threads have given up the processor to wait for something. */
    long voluntarySwitches() throws IOException {
        long sum = 0;
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc", Long.toString(pid()), "task"))) {
            for (Path thread : threads) {
                for (String line : Files.readAllLines(thread.resolve("status"))) {
                    if (line.startsWith("voluntary_ctxt_switches:")) {
                        sum += Long.parseLong(line.replaceAll("\\D", ""));
                    }
                }
            }
        }
        return sum;
    }

    private long memory(String what) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid()), "status"))) {
            if (line.startsWith(what)) {
                return Long.parseLong(line.replaceAll("\\D", "")) * KIB;
            }
        }
        throw new IOException("the process " + pid() + " has ended");
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
