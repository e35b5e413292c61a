package dev.tenon.core.command;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A command that is waited for so long and no longer: not even one that the kernel does not let be killed, because a device
 * does not answer, holds up its caller.
 *
 * @param arguments the program first, found by {@code PATH} if it is no path
 * @param environment what is set beside the C locale
 * @param deadline how long it is waited for; it is killed then
 */
public record ShortCommand(List<String> arguments, Map<String, String> environment, Duration deadline) {
    /** More than any answer has; the rest is not read. */
    private static final int LONGEST_OUTPUT = 64 << 20;

    private static final int LONGEST_ERRORS = 1 << 16;
    private static final int PIECE = 1 << 13;

    /** How long to wait for output that a child of the command still holds open. */
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(2);

    private static final int FIRST_SIGNAL_EXIT_CODE = 128;

    public ShortCommand {
        arguments = List.copyOf(arguments);
        environment = Map.copyOf(environment);
        if (arguments.isEmpty()) {
            throw new IllegalArgumentException("a command needs a program");
        }
    }

    /**
     * How it ended.
     *
     * @param exitCode 0 to 128
     * @param output what it wrote to its standard output
     * @param errors the lines that it wrote to its standard error, without blanks around them and without empty ones
     */
    public record Ended(int exitCode, String output, List<String> errors) {
        public Ended {
            errors = List.copyOf(errors);
        }

        /** The last of its words, null if it said nothing. */
        public @Nullable String lastWords() {
            return errors.isEmpty() ? null : errors.getLast();
        }
    }

    /** What it writes, read as it comes. */
    private static final class Reading {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final Thread thread;
        private final int longest;

        private Reading(String name, InputStream stream, int longest) {
            this.longest = longest;
            thread = Thread.ofPlatform().daemon().name(name).start(() -> read(stream));
        }

        private void read(InputStream stream) {
            byte[] piece = new byte[PIECE];
            try (stream) {
                for (int read = stream.read(piece); read >= 0; read = stream.read(piece)) {
                    synchronized (bytes) {
                        bytes.write(piece, 0, Math.min(read, longest - bytes.size()));
                    }
                }
            } catch (IOException e) {
                // it was killed; what it had said is kept
            }
        }

        private String text() throws InterruptedException {
            thread.join(DRAIN_LIMIT);
            synchronized (bytes) {
                return bytes.toString(StandardCharsets.UTF_8);
            }
        }
    }

    /** The command as people write it. */
    public String line() {
        return String.join(" ", arguments);
    }

    /**
     * Runs it with nothing on its standard input, and waits for its end.
     *
     * @return how it ended by itself, whatever its exit code
     * @throws StorageException {@code COMMAND_FAILED}: {@code NOT_STARTED} if it could not be started, {@code UNKNOWN} if it
     *     got a signal or was too slow; {@code CANCELLED} and {@code UNKNOWN} if the thread is interrupted, which it stays
     */
    public Ended run() {
        return run(Watch.NONE);
    }

    /** The same of a command that is watched while it runs, whose caller gets what the look throws, too. */
    public Ended run(Watch watch) {
        Process process = start();
        try {
            Reading output = new Reading("output-" + process.pid(), process.getInputStream(), LONGEST_OUTPUT);
            Reading errors = new Reading("errors-" + process.pid(), process.getErrorStream(), LONGEST_ERRORS);
            if (!watch.seesEnd(process, deadline, () -> kill(process))) {
                throw failed("got timeout");
            }
            int exitCode = process.exitValue();
            if (exitCode > FIRST_SIGNAL_EXIT_CODE) {
                throw failed("got signal " + (exitCode - FIRST_SIGNAL_EXIT_CODE));
            }
            return new Ended(
                    exitCode,
                    output.text(),
                    errors.text()
                            .lines()
                            .map(String::strip)
                            .filter(line -> !line.isEmpty())
                            .toList());
        } catch (InterruptedException e) {
            kill(process);
            Thread.currentThread().interrupt();
            throw new StorageException(
                    StorageError.CANCELLED, Outcome.UNKNOWN, "command '" + line() + "' was interrupted", e);
        }
    }

    private Process start() {
        ProcessBuilder builder = new ProcessBuilder(arguments).redirectInput(new File("/dev/null"));
        builder.environment().putAll(environment);
        builder.environment().put("LC_ALL", "C");
        try {
            return builder.start();
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.COMMAND_FAILED,
                    Outcome.NOT_STARTED,
                    "unable to run " + Quoted.of(arguments.getFirst()) + ": " + e.getMessage(),
                    e);
        }
    }

    private static void kill(Process process) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    private StorageException failed(String reason) {
        return new StorageException(
                StorageError.COMMAND_FAILED, Outcome.UNKNOWN, "command '" + line() + "' failed: " + reason);
    }
}
