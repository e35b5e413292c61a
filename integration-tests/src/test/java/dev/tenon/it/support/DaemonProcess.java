package dev.tenon.it.support;

import dev.tenon.bridge.transport.UnixSockets;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** A real {@code tenon serve} process. */
public final class DaemonProcess implements Closeable {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final Process process;
    private final Path socket;
    private final Path log;

    private DaemonProcess(Process process, Path socket, Path log) {
        this.process = process;
        this.socket = socket;
        this.log = log;
    }

    /** Starts a daemon at the scratch directory's socket and waits until it answers. */
    public static DaemonProcess start(Scratch scratch, Path... plugins) {
        return awaited(launch(scratch, plugins));
    }

    /** Starts one with these further options. */
    public static DaemonProcess startWith(Scratch scratch, List<String> options) {
        return awaited(launchWith(scratch, options));
    }

    private static DaemonProcess awaited(DaemonProcess daemon) {
        daemon.awaitReady();
        return daemon;
    }

    /** Waits until it answers. */
    public void awaitReady() {
        Awaitility.await("the daemon")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .failFast("the daemon has ended", () -> !process.isAlive())
                .until(() -> UnixSockets.isAnswered(socket));
    }

    /** Starts a daemon that may well refuse to start. */
    public static DaemonProcess launch(Scratch scratch, Path... plugins) {
        List<String> options = new ArrayList<>(
                List.of("--adopted", scratch.file("nothing-adopted").toString()));
        for (Path plugin : plugins) {
            options.add("--plugin");
            options.add(plugin.toString());
        }
        return launchWith(scratch, options);
    }

    private static DaemonProcess launchWith(Scratch scratch, List<String> options) {
        return launchAt(scratch, socketIn(scratch), scratch.file("journal"), options);
    }

    /**
     * Starts a daemon as a service manager does.
     *
     * @param manager the words of a program that becomes the command whose words follow them
     */
    public static DaemonProcess startBy(Scratch scratch, List<String> manager) {
        return awaited(launchBy(scratch, manager));
    }

    /** The same with these further options. */
    public static DaemonProcess startBy(Scratch scratch, List<String> manager, List<String> options) {
        return awaited(launch(scratch, socketIn(scratch), scratch.file("journal"), options, manager));
    }

    /** The same of a daemon that may well refuse to start. */
    public static DaemonProcess launchBy(Scratch scratch, List<String> manager) {
        List<String> options =
                List.of("--adopted", scratch.file("nothing-adopted").toString());
        return launch(scratch, socketIn(scratch), scratch.file("journal"), options, manager);
    }

    /**
     * Starts a daemon of a copy of the build that takes over from the one that answers, if one does.
     *
     * @param copy what {@link Installation#copyTo} made
     */
    public static DaemonProcess launchTakingOver(Scratch scratch, Path copy, String... options) {
        List<String> arguments = new ArrayList<>(List.of(
                "serve",
                "--take-over",
                "--socket",
                socketIn(scratch).toString(),
                "--journal",
                scratch.file("journal").toString(),
                "--adopted",
                scratch.file("nothing-adopted").toString()));
        arguments.addAll(List.of(options));
        return launch(
                scratch,
                socketIn(scratch),
                Installation.tenonCommandOf(copy, scratch.temporary(), arguments.toArray(String[]::new)));
    }

    /** Waits until it says that it answers calls, which another one at the same socket may do before. */
    public void awaitListening() {
        Awaitility.await("the daemon listens")
                .atMost(LIMIT)
                .pollInterval(Duration.ofMillis(20))
                .failFast("the daemon has ended", () -> !process.isAlive() && !log().contains("event=listening "))
                .until(() -> log().contains("event=listening "));
    }

    /** Starts a daemon at another socket and with another journal, which answers after {@link #awaitReady}. */
    public static DaemonProcess launchAt(Scratch scratch, Path socket, Path journal, List<String> options) {
        return launch(scratch, socket, journal, options, List.of());
    }

    private static DaemonProcess launch(
            Scratch scratch, Path socket, Path journal, List<String> options, List<String> manager) {
        List<String> arguments =
                new ArrayList<>(List.of("serve", "--socket", socket.toString(), "--journal", journal.toString()));
        arguments.addAll(options);
        List<String> command = new ArrayList<>(manager);
        command.addAll(Installation.tenonCommand(scratch.temporary(), arguments.toArray(String[]::new)));
        return launch(scratch, socket, command);
    }

    private static DaemonProcess launch(Scratch scratch, Path socket, List<String> command) {
        try {
            Path log = Files.createTempFile(scratch.root(), "daemon-", ".log");
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .redirectInput(new File("/dev/null"));
            builder.environment()
                    .put("TENON_BITMAP_DIR", scratch.file("bitmaps").toString());
            Process process = builder.start();
            DaemonProcess daemon = scratch.closing(new DaemonProcess(process, socket, log));
            scratch.logging("daemon " + process.pid(), daemon::log);
            return daemon;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where the daemons of a scratch directory listen. */
    public static Path socketIn(Scratch scratch) {
        return scratch.runtime().resolve("control.sock");
    }

    public Path socket() {
        return socket;
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** What it has said until now. */
    public String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The processes of the plugins of this daemon: those that have loaded them, and those that make their calls. */
    public List<ProcessHandle> sidecars() {
        return process.descendants().filter(DaemonProcess::isSidecar).toList();
    }

    /** Those that make the calls of a plugin. */
    public List<ProcessHandle> members() {
        return process.children()
                .filter(DaemonProcess::isSidecar)
                .flatMap(ProcessHandle::children)
                .filter(DaemonProcess::isSidecar)
                .toList();
    }

    private static boolean isSidecar(ProcessHandle handle) {
        return handle.info().commandLine().orElse("").contains("/tenon-sidecar ");
    }

    /** kill -9; waits until it is gone. */
    public void kill() {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The exit status of a daemon that ends by itself. */
    public int awaitEnd() {
        try {
            if (!process.waitFor(LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("the daemon " + pid() + " has not ended");
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** SIGTERM. */
    public void terminate() {
        process.destroy();
    }

    @Override
    public void close() throws IOException {
        boolean killed = !process.isAlive();
        process.destroy();
        try {
            awaitEnd();
        } catch (AssertionError e) {
            kill();
            throw e;
        } finally {
            if (killed) {
                clear(socket.resolveSibling("sidecars"));
                Files.deleteIfExists(socket);
                Files.deleteIfExists(socket.resolveSibling("control.fds"));
                Files.deleteIfExists(socket.resolveSibling("control.fds2"));
            }
        }
    }

    /** What a daemon that was killed could not remove. */
    private static void clear(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (var entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                Files.delete(entry);
            }
        }
        Files.delete(directory);
    }
}
