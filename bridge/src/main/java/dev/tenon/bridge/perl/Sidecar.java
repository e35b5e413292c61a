package dev.tenon.bridge.perl;

import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.session.CallHandler;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.linux.ProcessGroup;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.LongPredicate;
import org.apache.commons.exec.CommandLine;
import org.apache.commons.exec.DefaultExecutor;
import org.apache.commons.exec.ExecuteException;
import org.apache.commons.exec.ExecuteResultHandler;
import org.apache.commons.exec.PumpStreamHandler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One Perl process that hosts one plugin, and the session with it. The process is known by its death, not by the end of
 * the connection: a child that a plugin forked may hold that open.
 */
final class Sidecar {
    private static final Logger LOG = LoggerFactory.getLogger(Sidecar.class);
    private static final AtomicLong NUMBERS = new AtomicLong();
    private static final Duration LAST_WORDS = Duration.ofMillis(200);
    private static final int SHOWN_LINES = 5;
    private static final int SIGNALLED = 128;
    private static final int LAST_SIGNAL = 64;
    private static final Map<Integer, String> SIGNALS = Map.of(
            1, "SIGHUP", 2, "SIGINT", 4, "SIGILL", 6, "SIGABRT", 7, "SIGBUS", 9, "SIGKILL", 11, "SIGSEGV", 13,
            "SIGPIPE", 14, "SIGALRM", 15, "SIGTERM");

    private final Process process;
    private final Session session;
    private final PluginDescription description;
    private final SidecarOutput output;
    private final CompletableFuture<Void> drained;

    private Sidecar(
            Process process,
            Session session,
            PluginDescription description,
            SidecarOutput output,
            CompletableFuture<Void> drained) {
        this.process = process;
        this.session = session;
        this.description = description;
        this.output = output;
        this.drained = drained;

        // What the plugin started goes on, without its parent, with whatever it was given.
        var _ = process.onExit().thenAccept(ended -> {
            if (ended.exitValue() != 0) {
                ProcessGroup.kill(ended.pid());
            }
        });
        // A child that the plugin forked may hold the connection open; a last answer in it is read first.
        var _ = process.onExit()
                .thenRunAsync(
                        () -> {
                            if (!session.closed().isDone()) {
                                session.close("DONE", "the process has ended");
                            }
                        },
                        CompletableFuture.delayedExecutor(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS));
    }

    /**
     * Starts the process and waits for its hello.
     *
     * @param nested makes the handler of the calls that the plugin's inherited methods make
     * @param descriptors where open files go to the process and come from it
     * @throws StorageException {@code PLUGIN_REJECTED} or {@code SIDECAR_FAILED}, both {@code NOT_STARTED}
     */
    static Sidecar start(
            UnixSockets sockets,
            SidecarSettings settings,
            Function<Session, CallHandler> nested,
            DescriptorSocket descriptors) {
        String name = String.valueOf(settings.plugin().getFileName());
        SidecarOutput output = new SidecarOutput(name);
        CompletableFuture<Process> launched = new CompletableFuture<>();
        CompletableFuture<Void> drained = new CompletableFuture<>();
        CompletableFuture<Session> connected = new CompletableFuture<>();
        try (UnixSockets.Listener listener = sockets.listen(socketIn(settings.runtime()), connection -> {
            // The handler needs the session, and the session the handler.
            CompletableFuture<CallHandler> handler = new CompletableFuture<>();
            Session session = new Session(
                    connection,
                    new Session.Settings(
                                    StorageApi.API,
                                    "host",
                                    Value.fields(
                                            "descriptors",
                                            Value.ofText(descriptors.path().toString())),
                                    peer -> launched.join().pid() == peer.pid(),
                                    call -> handler.join().handle(call))
                            .hearing(output::printed));
            handler.complete(nested.apply(session));
            var _ = session.opened().thenRun(() -> connected.complete(session));
            return session;
        })) {
            launch(settings, listener.path(), output, launched, drained);
            Process process = launched.get(settings.startLimit().toMillis(), TimeUnit.MILLISECONDS);
            CompletableFuture<Void> exited = process.onExit().thenAccept(ended -> {});
            CompletableFuture.anyOf(connected, exited).get(settings.startLimit().toMillis(), TimeUnit.MILLISECONDS);
            if (!connected.isDone()) {
                awaitQuietly(drained);
                throw failed(name + ": its process " + exitText(process) + " before it said hello" + lastLines(output));
            }
            return greet(settings, process, connected.join(), output, drained);
        } catch (TimeoutException e) {
            var _ = launched.thenAccept(Process::destroyForcibly);
            throw failed(name + ": its process said no hello within "
                    + settings.startLimit().toSeconds() + " s" + lastLines(output));
        } catch (InterruptedException e) {
            var _ = launched.thenAccept(Process::destroyForcibly);
            Thread.currentThread().interrupt();
            throw failed(name + ": starting its process was interrupted");
        } catch (ExecutionException | IOException e) {
            Throwable cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
            throw new StorageException(
                    StorageError.SIDECAR_FAILED,
                    Outcome.NOT_STARTED,
                    "plugin " + name + ": its process cannot be started: " + cause.getMessage(),
                    cause);
        }
    }

    /** The directory may have gone since the last start, with another daemon that shared it. */
    private static Path socketIn(Path runtime) throws IOException {
        makeDirectory(runtime);
        return runtime.resolve("sidecar-" + NUMBERS.incrementAndGet() + ".sock");
    }

    /**
     * Begins to take and give open files.
     *
     * @param isPeer whether the process of this number may use them
     */
    static DescriptorSocket descriptorsIn(Path runtime, LongPredicate isPeer) throws IOException {
        makeDirectory(runtime);
        String name = "d" + ProcessHandle.current().pid() + "-" + NUMBERS.incrementAndGet() + ".sock";
        return DescriptorSocket.listen(runtime.resolve(name), peer -> isPeer.test(peer.pid()));
    }

    private static void makeDirectory(Path runtime) throws IOException {
        Files.createDirectories(
                runtime, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    private static Sidecar greet(
            SidecarSettings settings,
            Process process,
            Session session,
            SidecarOutput output,
            CompletableFuture<Void> drained)
            throws InterruptedException {
        Fields hello = session.opened().join();
        if (hello.get("rejected") instanceof Value.Text(String complaint)) {
            session.close("DONE", "the plugin was rejected");
            if (!process.waitFor(settings.stopLimit().toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
            }
            throw StorageException.refused(StorageError.PLUGIN_REJECTED, complaint);
        }
        if (!(hello.get("plugin") instanceof Fields facts)) {
            process.destroyForcibly();
            throw failed(settings.plugin().getFileName() + ": its process told nothing of a plugin");
        }
        if (hello.get("printed") instanceof Fields printed) {
            output.printed(new Frame.Notify("printed", printed));
        }
        output.over();
        PluginDescription description = PluginDescription.of(facts);
        LOG.info(
                "event=sidecar-started plugin={} level={} pid={} pve={}",
                description.packageName(),
                description.level(),
                process.pid(),
                description.pve());
        return new Sidecar(process, session, description, output, drained);
    }

    private static void launch(
            SidecarSettings settings,
            Path socket,
            SidecarOutput output,
            CompletableFuture<Process> launched,
            CompletableFuture<Void> drained)
            throws IOException {
        CommandLine command = new CommandLine("perl")
                .addArgument(settings.perlShim().resolve("bin/tenon-sidecar").toString(), false)
                .addArgument("--socket", false)
                .addArgument(socket.toString(), false)
                .addArgument("--plugin", false)
                .addArgument(settings.plugin().toAbsolutePath().toString(), false);
        Path pveLibrary = settings.pveLibrary();
        if (pveLibrary != null) {
            command.addArgument("--pve-lib", false).addArgument(pveLibrary.toString(), false);
        }
        if (settings.acceptsOld()) {
            command.addArgument("--accept-old", false);
        }
        // Standard input stays open and silent: its end tells the process that this one is gone.
        PumpStreamHandler pumps = new PumpStreamHandler(output.stream("stdout"), output.stream("stderr")) {
            @Override
            public void setProcessInputStream(OutputStream ignored) {}
        };
        pumps.setStopTimeout(Duration.ofMillis(500));
        DefaultExecutor executor = new LaunchingExecutor(launched);
        executor.setStreamHandler(pumps);
        executor.setExitValues(null);
        executor.execute(command, new ExecuteResultHandler() {
            @Override
            public void onProcessComplete(int exitValue) {
                drained.complete(null);
            }

            @Override
            public void onProcessFailed(ExecuteException e) {
                launched.completeExceptionally(e);
                drained.complete(null);
            }
        });
    }

    /** Commons Exec keeps the process to itself; its pid and the moment of its death are needed here. */
    private static final class LaunchingExecutor extends DefaultExecutor {
        private final CompletableFuture<Process> launched;

        @SuppressWarnings("deprecation") // the builder makes no subclasses
        LaunchingExecutor(CompletableFuture<Process> launched) {
            this.launched = launched;
        }

        @Override
        protected Process launch(CommandLine command, @Nullable Map<String, String> environment, Path directory)
                throws IOException {
            Process process = super.launch(command, environment, directory);
            launched.complete(process);
            return process;
        }
    }

    Session session() {
        return session;
    }

    PluginDescription description() {
        return description;
    }

    SidecarOutput output() {
        return output;
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive() && !session.closed().isDone();
    }

    /** How the process ended and what it said last, after a call lost its connection. */
    String obituary(SessionClosedException lost) throws InterruptedException {
        if (!process.waitFor(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS)) {
            process.destroyForcibly();
            return "its process " + pid() + " gave up the connection (" + lost.getMessage() + ") and was killed"
                    + lastLines(output);
        }
        awaitQuietly(drained);
        return "its process " + pid() + " " + exitText(process) + lastLines(output);
    }

    private static void awaitQuietly(CompletableFuture<Void> drained) throws InterruptedException {
        try {
            drained.get(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            LOG.debug("event=output-still-open reason=\"a child of the plugin holds it\"");
        }
    }

    private static String exitText(Process process) {
        int status = process.exitValue();
        if (status <= SIGNALLED || status > SIGNALLED + LAST_SIGNAL) {
            return "ended with exit status " + status;
        }
        int signal = status - SIGNALLED;
        return "was ended by signal " + signal + " (" + SIGNALS.getOrDefault(signal, "unnamed") + ")";
    }

    private static String lastLines(SidecarOutput output) {
        List<String> lines = output.last(SHOWN_LINES);
        return lines.isEmpty() ? "; it printed nothing" : "; its last lines: " + String.join(" | ", lines);
    }

    private static StorageException failed(String what) {
        return StorageException.refused(StorageError.SIDECAR_FAILED, "plugin " + what);
    }

    /**
     * Ends the process: asks it first, so that the plugin can log out, then SIGTERM, then SIGKILL.
     *
     * @param limit how long each of the first two may take
     */
    void stop(Duration limit) {
        try {
            session.close("SHUTTING_DOWN", "the daemon needs this plugin no more");
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                terminate(limit);
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** Ends a process that is stuck in a call, and what it started: SIGTERM, then SIGKILL. */
    void terminate(Duration limit) {
        try {
            // Not the process's own way, which closes its pipes at once and takes its last words.
            if (!ProcessGroup.terminate(pid())) {
                process.toHandle().destroy();
            }
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("event=sidecar-killed plugin={} pid={}", description.packageName(), pid());
                process.destroyForcibly();
                process.waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
