package dev.tenon.bridge.perl;

import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.perl.SidecarSettings.Limit;
import dev.tenon.bridge.session.CallHandler;
import dev.tenon.bridge.session.RemoteCallException;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.ProcessGroup;
import dev.tenon.core.linux.Readiness;
import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process that has loaded a plugin and answers nothing but to be forked, or, where the plugin must stay alone, serves
 * its calls itself. Its children connect to the same socket, which is there as long as it is.
 */
final class Parent {
    private static final Logger LOG = LoggerFactory.getLogger(Parent.class);
    private static final AtomicLong NUMBERS = new AtomicLong();
    private static final Duration REAPING = Duration.ofSeconds(5);

    /**
     * What all processes of a plugin share.
     *
     * @param nested makes the handler of the calls that the plugin's inherited methods make
     * @param descriptors where open files go to the processes and come from them
     * @param outputs what they print
     */
    record Surroundings(
            UnixSockets sockets,
            SidecarSettings settings,
            Function<Session, CallHandler> nested,
            DescriptorSocket descriptors,
            Outputs outputs) {
        String name() {
            return String.valueOf(settings.plugin().getFileName());
        }
    }

    private final Surroundings surroundings;
    private final Arrivals arrivals;
    private final PluginProcess process;
    private final Map<Long, CompletableFuture<Ending>> children = new ConcurrentHashMap<>();
    private final CompletableFuture<Void> gone;

    private Parent(Surroundings surroundings, Arrivals arrivals, PluginProcess process) {
        this.surroundings = surroundings;
        this.arrivals = arrivals;
        this.process = process;
        this.gone = process.ended().thenRun(() -> {
            arrivals.close();
            process.output().close();
        });
    }

    /** Completes when the process has ended and nothing of it is left, its socket included. */
    CompletableFuture<Void> gone() {
        return gone;
    }

    PluginProcess process() {
        return process;
    }

    Loaded loaded() {
        return process.loaded();
    }

    // ---- its start

    /**
     * Starts the process and waits for its hello.
     *
     * @param generation how many versions of the plugin's file there were before
     * @throws StorageException {@code PLUGIN_REJECTED} or {@code SIDECAR_FAILED}, both {@code NOT_STARTED}
     */
    static Parent start(Surroundings surroundings, int generation) {
        SidecarSettings settings = surroundings.settings();
        String name = surroundings.name();
        Output output = surroundings.outputs().make();
        CompletableFuture<Process> launched = new CompletableFuture<>();
        @Nullable Arrivals arrivals = null;
        try {
            arrivals = Arrivals.listen(surroundings, socketIn(settings.runtime()));
            CompletableFuture<Session> connected = arrivals.awaitParent(launched);
            Process process = launch(surroundings, arrivals.socket(), output);
            launched.complete(process);
            CompletableFuture<Ending> ended = process.onExit().thenApply(it -> Ending.ofExitValue(it.exitValue()));
            CompletableFuture.anyOf(connected, ended)
                    .get(settings.limit(Limit.START).toMillis(), TimeUnit.MILLISECONDS);
            if (!connected.isDone()) {
                throw failed(name + ": its process " + ended.join().words() + " before it said hello"
                        + PluginProcess.lastLines(output));
            }
            Session session = connected.join();
            Loaded loaded = Loaded.of(
                    name, generation, PluginDescription.of(session.opened().join()));
            Parent parent =
                    greet(surroundings, arrivals, new PluginProcess(loaded, process.pid(), session, output, ended));
            output.over();
            return parent;
        } catch (TimeoutException e) {
            giveUp(arrivals, launched, output);
            throw failed(name + ": its process said no hello within "
                    + settings.limit(Limit.START).toSeconds() + " s" + PluginProcess.lastLines(output));
        } catch (InterruptedException e) {
            giveUp(arrivals, launched, output);
            Thread.currentThread().interrupt();
            throw failed(name + ": starting its process was interrupted");
        } catch (ExecutionException | IOException e) {
            giveUp(arrivals, launched, output);
            Throwable cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
            throw new StorageException(
                    StorageError.SIDECAR_FAILED,
                    Outcome.NOT_STARTED,
                    "plugin " + name + ": its process cannot be started: " + cause.getMessage(),
                    cause);
        } catch (RuntimeException | Error e) {
            giveUp(arrivals, launched, output);
            throw e;
        }
    }

    private static void giveUp(@Nullable Arrivals arrivals, CompletableFuture<Process> launched, Output output) {
        if (launched.isDone()) {
            Process process = launched.join();
            process.destroyForcibly();
            ProcessGroup.kill(process.pid());
        } else {
            launched.cancel(false);
        }
        if (arrivals != null) {
            arrivals.close();
        }
        output.close();
    }

    /** The directory may have gone since the last start, with another daemon that shared it. */
    private static Path socketIn(Path runtime) throws IOException {
        makeDirectory(runtime);
        return runtime.resolve("s" + ProcessHandle.current().pid() + "-" + NUMBERS.incrementAndGet() + ".sock");
    }

    /**
     * Begins to take and give descriptors.
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

    private static Parent greet(Surroundings surroundings, Arrivals arrivals, PluginProcess process)
            throws InterruptedException {
        Fields hello = process.session().opened().join();
        if (hello.get("rejected") instanceof Value.Text(String complaint)) {
            process.stop(surroundings.settings().limit(Limit.STOP));
            throw StorageException.refused(StorageError.PLUGIN_REJECTED, complaint);
        }
        if (!(hello.get("plugin") instanceof Fields)) {
            throw failed(surroundings.name() + ": its process said hello without a plugin");
        }
        PluginDescription description = process.loaded().description();
        LOG.info(
                "event=sidecar-started plugin={} level={} pid={} pve={}",
                description.packageName(),
                description.level(),
                process.pid(),
                description.pve());
        return new Parent(surroundings, arrivals, process);
    }

    private static Process launch(Surroundings surroundings, Path socket, Output output) throws IOException {
        SidecarSettings settings = surroundings.settings();
        List<String> command = new ArrayList<>(List.of(
                "perl",
                settings.perlShim().resolve("bin/tenon-sidecar").toString(),
                "--socket",
                socket.toString(),
                "--plugin",
                settings.plugin().toAbsolutePath().toString()));
        Path pveLibrary = settings.pveLibrary();
        if (pveLibrary != null) {
            command.addAll(List.of("--pve-lib", pveLibrary.toString()));
        }
        if (settings.acceptsOld()) {
            command.add("--accept-old");
        }
        if (settings.members() == 1) {
            command.add("--alone");
        }
        // Standard input stays open and silent: its end tells the process that this one is gone.
        try (Pipes pipes = Pipes.make(output, surroundings.outputs().readiness())) {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(pipes.out()))
                    .redirectError(ProcessBuilder.Redirect.appendTo(pipes.err()));
            if (settings.bitmaps() != null) {
                builder.environment()
                        .putIfAbsent("TENON_BITMAP_DIR", settings.bitmaps().toString());
            }
            return builder.start();
        }
    }

    /** The ends of new pipes that a process prints to; the other ends are read. */
    private record Pipes(Descriptor outEnd, Descriptor errEnd) implements AutoCloseable {
        static Pipes make(Output output, Readiness readiness) throws IOException {
            Descriptor out = end(Host.Stream.OUTPUT, output, readiness);
            try {
                return new Pipes(out, end(Host.Stream.ERROR, output, readiness));
            } catch (IOException | RuntimeException | Error e) {
                out.close();
                throw e;
            }
        }

        private static Descriptor end(Host.Stream kind, Output output, Readiness readiness) throws IOException {
            Descriptor.Pipe pipe = Descriptor.pipe();
            try {
                output.read(kind, pipe.read(), readiness);
                return pipe.write();
            } catch (IOException | RuntimeException | Error e) {
                pipe.write().close();
                throw e;
            }
        }

        File out() {
            return new File("/proc/self/fd/" + outEnd.number());
        }

        File err() {
            return new File("/proc/self/fd/" + errEnd.number());
        }

        @Override
        public void close() {
            outEnd.close();
            errEnd.close();
        }
    }

    private static StorageException failed(String what) {
        return StorageException.refused(StorageError.SIDECAR_FAILED, "plugin " + what);
    }

    // ---- its children

    /** Whether this is the number of the process or of a child of it. */
    boolean includes(long pid) {
        return Arrivals.isOf(process.pid(), pid);
    }

    /**
     * Has the process fork, and waits for the child's hello.
     *
     * @throws StorageException {@code SIDECAR_FAILED}, {@code NOT_STARTED}
     */
    PluginProcess fork() {
        Descriptor.Pipe lifeline = lifeline();
        Output output = surroundings.outputs().make();
        CompletableFuture<Ending> ended = new CompletableFuture<>();
        String token = "";
        long pid = 0;
        try (Descriptor theirs = lifeline.read();
                Pipes pipes = Pipes.make(output, surroundings.outputs().readiness());
                DescriptorSocket.Offer in = surroundings.descriptors().offer(theirs.number());
                DescriptorSocket.Offer out =
                        surroundings.descriptors().offer(pipes.outEnd().number());
                DescriptorSocket.Offer err =
                        surroundings.descriptors().offer(pipes.errEnd().number())) {
            Duration limit = surroundings.settings().limit(Limit.START);
            CompletableFuture<Session> connected = arrivals.awaitChild(in.token());
            token = in.token();
            pid = numberOf(process.session()
                    .call(
                            "fork",
                            new Fields(Map.of(
                                    "stdin", Value.ofText(in.token()),
                                    "stdout", Value.ofText(out.token()),
                                    "stderr", Value.ofText(err.token()))),
                            limit));
            watch(pid, ended);
            note(pid, ended);
            CompletableFuture.anyOf(connected, ended).get(limit.toMillis(), TimeUnit.MILLISECONDS);
            if (!connected.isDone()) {
                throw failed(surroundings.name() + ": the process " + pid + " that was forked "
                        + ended.join().words() + " before it said hello" + PluginProcess.lastLines(output));
            }
            LOG.debug("event=member-forked plugin={} pid={}", surroundings.name(), pid);
            var _ = ended.thenRun(lifeline.write()::close);
            return new PluginProcess(process.loaded(), pid, connected.join(), output, ended);
        } catch (RemoteCallException | SessionClosedException | TimeoutException | ExecutionException | IOException e) {
            giveUp(pid, lifeline, output);
            String reason = e.getMessage() == null ? "its child said no hello in time" : e.getMessage();
            throw failed(surroundings.name() + ": its process " + process.pid() + " cannot be forked: " + reason
                    + PluginProcess.lastLines(process.output()));
        } catch (InterruptedException e) {
            giveUp(pid, lifeline, output);
            Thread.currentThread().interrupt();
            throw failed(surroundings.name() + ": forking its process was interrupted");
        } catch (RuntimeException | Error e) {
            giveUp(pid, lifeline, output);
            throw e;
        } finally {
            arrivals.giveUp(token);
        }
    }

    /** Only a child whose end will be seen: {@link #endAfterItsChildren} waits for it. */
    private void note(long pid, CompletableFuture<Ending> ended) {
        children.put(pid, ended);
        var _ = ended.thenRun(() -> children.remove(pid, ended));
    }

    /** Forks no more members. Those that were forked end first: only this process can tell how they ended. */
    void endAfterItsChildren(Duration limit) {
        Thread.ofPlatform().daemon().name("retire-" + process.pid()).start(() -> {
            CompletableFuture.allOf(children.values().toArray(CompletableFuture[]::new))
                    .join();
            process.stop(limit);
        });
    }

    private static void giveUp(long pid, Descriptor.Pipe lifeline, Output output) {
        lifeline.write().close();
        if (pid > 0) {
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        }
        output.close();
    }

    /** The child's end tells it that this process is gone. */
    private Descriptor.Pipe lifeline() {
        try {
            return Descriptor.pipe();
        } catch (IOException e) {
            throw failed(surroundings.name() + ": its process cannot be forked: " + e.getMessage());
        }
    }

    private static long numberOf(Value answer) throws IOException {
        if (answer instanceof Fields fields && fields.get("pid") instanceof Value.Int(long pid) && pid > 1) {
            return pid;
        }
        throw new IOException("its answer has no number of the child");
    }

    /** The child stays a zombie, and its number its own, until its parent has told how it ended. */
    private void watch(long pid, CompletableFuture<Ending> ended) throws IOException {
        surroundings
                .outputs()
                .whenEnded(
                        pid,
                        () -> Thread.ofPlatform()
                                .daemon()
                                .name("reap-" + pid)
                                .start(() -> ended.complete(endingOf(pid))));
    }

    private Ending endingOf(long pid) {
        try {
            return Ending.ofAnswer(process.session().call("ended", Value.fields("pid", new Value.Int(pid)), REAPING));
        } catch (RemoteCallException | SessionClosedException | TimeoutException e) {
            return Ending.UNKNOWN;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Ending.UNKNOWN;
        }
    }
}
