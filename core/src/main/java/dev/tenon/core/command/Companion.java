package dev.tenon.core.command;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A program that runs beside this process and ends with it, however that ends: the shell that starts the program waits
 * for the end of a pipe that only this process holds open, and then sends the program SIGTERM.
 */
public final class Companion implements AutoCloseable {
    /** The program has its own standard input; a shell would give /dev/null to what it starts in the background. */
    private static final String GUARD = """
            exec 3<&0
            "$@" 3<&- </dev/null &
            program=$!
            { read -r line <&3; kill "$program"; } 2>/dev/null &
            guard=$!
            exec 3<&-
            wait "$program"
            status=$?
            kill "$guard" 2>/dev/null
            exit "$status"
            """;

    private static final Duration END_LIMIT = Duration.ofSeconds(10);
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final int LONGEST_WORDS = 4096;

    private final String name;
    private final Process process;
    private final Path log;

    private Companion(String name, Process process, Path log) {
        this.name = name;
        this.process = process;
        this.log = log;
    }

    /**
     * Starts a program.
     *
     * @param command the program, found by {@code PATH}, and its arguments
     * @param log a file that takes what the program writes, and stays
     * @throws StorageException {@code COMMAND_FAILED}, {@code NOT_STARTED} if the shell cannot be started; that there is
     *     no such program shows in {@link #awaitReady}
     */
    public static Companion start(List<String> command, Path log) {
        List<String> guarded = new ArrayList<>(List.of("sh", "-c", GUARD, "sh"));
        guarded.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(guarded)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().put("LC_ALL", "C");
        try {
            return new Companion(command.getFirst(), builder.start(), log);
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.COMMAND_FAILED,
                    Outcome.NOT_STARTED,
                    "unable to run " + Quoted.of(command.getFirst()) + ": " + e.getMessage(),
                    e);
        }
    }

    /**
     * Waits until the program is of use.
     *
     * @param isReady looked at many times a second
     * @throws StorageException {@code COMMAND_FAILED} if the program ends before, with its last words, or is not ready in
     *     time; {@code CANCELLED} if the thread is interrupted, which it stays. The program is to be closed then, too
     */
    public void awaitReady(BooleanSupplier isReady, Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        while (!isReady.getAsBoolean()) {
            if (!process.isAlive()) {
                throw failed("ended: " + words());
            }
            if (System.nanoTime() > end) {
                throw failed("is not ready after " + limit.toSeconds() + " seconds: " + words());
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new StorageException(
                        StorageError.CANCELLED, Outcome.FAILED_CLEAN, "the start of " + name + " was interrupted");
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private StorageException failed(String why) {
        return new StorageException(StorageError.COMMAND_FAILED, Outcome.FAILED_CLEAN, name + " " + why);
    }

    /** Whether the program runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** Its last words. */
    private String words() {
        try {
            byte[] all = Files.readAllBytes(log);
            int from = Math.max(0, all.length - LONGEST_WORDS);
            String words = new String(all, from, all.length - from, StandardCharsets.UTF_8).strip();
            return words.isEmpty() ? "it said nothing" : words.substring(words.lastIndexOf('\n') + 1);
        } catch (IOException e) {
            return "what it said cannot be read";
        }
    }

    /** Sends the program SIGTERM and waits for its end; one that does not end within ten seconds is killed. */
    @Override
    public void close() {
        boolean isInterrupted = Thread.interrupted();
        try {
            process.getOutputStream().close();
            if (!process.waitFor(END_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                kill();
            }
        } catch (IOException e) {
            kill();
        } catch (InterruptedException e) {
            isInterrupted = true;
            kill();
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }
}
