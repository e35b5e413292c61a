package dev.tenon.bridge.perl;

import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.core.linux.ProcessGroup;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Perl process that has loaded a plugin, and the session with it. It is known by its death, not by the end of the
 * connection: a child that a plugin forked may hold that open. It leads a group of its own.
 */
final class PluginProcess {
    private static final Logger LOG = LoggerFactory.getLogger(PluginProcess.class);
    private static final Duration LAST_WORDS = Duration.ofMillis(200);
    private static final Duration OBITUARY = Duration.ofSeconds(10);
    private static final int SHOWN_LINES = 5;

    private final Loaded loaded;
    private final long pid;
    private final Session session;
    private final Output output;
    private final CompletableFuture<Ending> ended;

    /**
     * Takes over a process that has said hello.
     *
     * @param ended completes when the process has ended
     */
    PluginProcess(Loaded loaded, long pid, Session session, Output output, CompletableFuture<Ending> ended) {
        this.loaded = loaded;
        this.pid = pid;
        this.session = session;
        this.output = output;
        this.ended = ended;

        // What the plugin started goes on, without its parent, with whatever it was given.
        var _ = ended.thenAccept(ending -> {
            if (!ending.isGood()) {
                ProcessGroup.kill(pid);
            }
        });
        // A child that the plugin forked may hold the connection open; a last answer in it is read first.
        var _ = ended.thenRunAsync(
                () -> {
                    if (!session.closed().isDone()) {
                        session.close("DONE", "the process has ended");
                    }
                },
                CompletableFuture.delayedExecutor(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS));
    }

    /** The plugin as it is in this process; another process may have a newer version. */
    Loaded loaded() {
        return loaded;
    }

    long pid() {
        return pid;
    }

    Session session() {
        return session;
    }

    Output output() {
        return output;
    }

    CompletableFuture<Ending> ended() {
        return ended;
    }

    boolean isAlive() {
        return !ended.isDone() && !session.closed().isDone();
    }

    /** How the process ended and what it said last, after a call lost its connection. */
    String obituary(SessionClosedException lost) throws InterruptedException {
        try {
            return "its process " + pid + " " + awaitEnding().words() + lastLines(output);
        } catch (TimeoutException | ExecutionException e) {
            ProcessGroup.kill(pid);
            return "its process " + pid + " gave up the connection (" + lost.getMessage() + ") and was killed"
                    + lastLines(output);
        }
    }

    /** Its parent may be busy, and report late how it ended. */
    private Ending awaitEnding() throws InterruptedException, TimeoutException, ExecutionException {
        try {
            return ended.get(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            if (!hasEnded()) {
                throw e;
            }
            return ended.get(OBITUARY.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private boolean hasEnded() {
        try {
            String status = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
            return status.startsWith("Z", status.lastIndexOf(')') + 2);
        } catch (IOException e) {
            return true; // nobody has its number any more
        }
    }

    /** What was printed last, as the end of a sentence. */
    static String lastLines(Output output) {
        List<String> lines = output.last(SHOWN_LINES);
        return lines.isEmpty() ? "; it printed nothing" : "; its last lines: " + String.join(" | ", lines);
    }

    /**
     * Ends the process: asks it first, so that the plugin can log out, then SIGTERM, then SIGKILL.
     *
     * @param limit how long each of the first two may take
     */
    void stop(Duration limit) {
        session.close("SHUTTING_DOWN", "the daemon no longer needs this process");
        if (!endsWithin(limit)) {
            terminate(limit);
        }
    }

    /** Ends a process that is stuck in a call, and what it started: SIGTERM, then SIGKILL. */
    void terminate(Duration limit) {
        ProcessGroup.terminate(pid);
        if (!endsWithin(limit)) {
            LOG.warn("event=sidecar-killed plugin={} pid={}", loaded.file(), pid);
            ProcessGroup.kill(pid);
            endsWithin(limit);
        }
    }

    private boolean endsWithin(Duration limit) {
        try {
            ended.get(limit.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (InterruptedException e) {
            ProcessGroup.kill(pid);
            Thread.currentThread().interrupt();
            return false;
        } catch (TimeoutException | ExecutionException e) {
            return false;
        }
    }
}
