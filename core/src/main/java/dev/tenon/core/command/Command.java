package dev.tenon.core.command;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.commons.exec.CommandLine;
import org.apache.commons.exec.DefaultExecutor;
import org.apache.commons.exec.Executor;
import org.apache.commons.exec.PumpStreamHandler;
import org.jspecify.annotations.Nullable;

/**
 * A command of the host: a program, found by {@code PATH}, and its arguments, passed as they are.
 *
 * @param arguments the program first
 * @param errorPrefix what an error message begins with, null to name the command instead
 * @param deadline how long it may run; it is killed then
 */
public record Command(List<String> arguments, @Nullable String errorPrefix, Duration deadline) {
    private static final Duration DEFAULT_DEADLINE = Duration.ofMinutes(1);

    /** How long the output of a command that has ended is waited for: a child it left behind may keep it open. */
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(5);

    private static final int FIRST_SIGNAL_EXIT_CODE = 128;

    public Command {
        arguments = List.copyOf(arguments);
        if (arguments.isEmpty()) {
            throw new IllegalArgumentException("a command needs a program");
        }
    }

    /** A command that may run for a minute. */
    public static Command of(String... arguments) {
        return new Command(List.of(arguments), null, DEFAULT_DEADLINE);
    }

    public Command withErrorPrefix(String prefix) {
        return new Command(arguments, prefix, deadline);
    }

    public Command withDeadline(Duration limit) {
        return new Command(arguments, errorPrefix, limit);
    }

    /**
     * Runs the command in the C locale, with nothing on its standard input, and waits for its end. What it writes to
     * standard error is logged.
     *
     * @return its standard output
     * @throws StorageException {@code COMMAND_FAILED}: {@code NOT_STARTED} if it could not be started, else {@code
     *     UNKNOWN}; {@code NO_SPACE} if its last words are that the storage is full. The message is {@code PREFIX: last
     *     line of standard error}, {@code PREFIX: exit code N} if there is none, and {@code command '...' failed: }
     *     with {@code exit code N}, {@code got signal N} or {@code got timeout} where there is no prefix or no exit code;
     *     {@code CANCELLED} and {@code UNKNOWN} if the thread is interrupted, which it stays
     */
    public String run() {
        return run(words -> {});
    }

    /**
     * As {@link #run()}, and tells what the command writes to its standard output while it runs.
     *
     * @param listener gets each piece as it comes, which may end anywhere
     */
    public String run(Consumer<String> listener) {
        ErrorLines errors = new ErrorLines(arguments.getFirst());
        Ended ended = execute(new OutputText(listener), errors);
        if (ended.exitCode() != 0) {
            throw failed(ended.exitCode(), errors.last());
        }
        return ended.output();
    }

    /**
     * How a command ended by itself.
     *
     * @param exitCode 0 to 128
     * @param output what it wrote to its standard output
     */
    public record Ended(int exitCode, String output) {}

    /** As {@link #run}, but an exit code is an answer and no failure. */
    public Ended end() {
        return execute(new OutputText(words -> {}), new ErrorLines(arguments.getFirst()));
    }

    /**
     * Runs the command between two files, which it reads and writes itself: what the library that starts the others does not
     * do. Fails as {@link #run()} does, with the first line of standard error; the lines after it are mostly consequences.
     *
     * @param input its standard input, for instance {@code /dev/null}
     * @param output its standard output
     */
    public void run(Path input, Path output) {
        run(input, output, Watch.NONE);
    }

    /** The same of a command that is watched while it runs, whose caller gets what the look throws, too. */
    public void run(Path input, Path output, Watch watch) {
        ErrorLines errors = new ErrorLines(arguments.getFirst());
        Process process;
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(arguments).redirectInput(input.toFile()).redirectOutput(output.toFile());
            builder.environment().put("LC_ALL", "C");
            process = builder.start();
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.COMMAND_FAILED,
                    Outcome.NOT_STARTED,
                    "unable to run " + Quoted.of(arguments.getFirst()) + ": " + e.getMessage(),
                    e);
        }
        Thread reader = Thread.ofPlatform()
                .daemon()
                .name("errors-" + process.pid())
                .start(() -> {
                    try (errors) {
                        process.getErrorStream().transferTo(errors);
                    } catch (IOException e) {
                        // the process was killed; what it said last is not known then
                    }
                });
        try {
            if (!watch.seesEnd(process, deadline, () -> kill(process))) {
                throw failed("got timeout");
            }
            reader.join(DRAIN_LIMIT);
        } catch (InterruptedException e) {
            kill(process);
            Thread.currentThread().interrupt();
            throw new StorageException(
                    StorageError.CANCELLED,
                    Outcome.UNKNOWN,
                    "command '" + String.join(" ", arguments) + "' was interrupted",
                    e);
        }
        int exitCode = process.exitValue();
        if (exitCode > FIRST_SIGNAL_EXIT_CODE) {
            throw failed("got signal " + (exitCode - FIRST_SIGNAL_EXIT_CODE));
        } else if (exitCode != 0) {
            throw failed(exitCode, errors.first());
        }
    }

    private static void kill(Process process) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    private Ended execute(OutputText output, ErrorLines errors) {
        KillingWatchdog watchdog = new KillingWatchdog(deadline);
        PumpStreamHandler streams = new PumpStreamHandler(output, errors);
        streams.setStopTimeout(DRAIN_LIMIT);
        DefaultExecutor executor =
                DefaultExecutor.builder().setExecuteStreamHandler(streams).get();
        executor.setWatchdog(watchdog);
        executor.setExitValues(null);
        int exitCode;
        try {
            exitCode = executor.execute(commandLine(), environment());
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.COMMAND_FAILED,
                    watchdog.hasStarted() ? Outcome.UNKNOWN : Outcome.NOT_STARTED,
                    "unable to run " + Quoted.of(arguments.getFirst()) + ": " + e.getMessage(),
                    e);
        }
        if (exitCode == Executor.INVALID_EXITVALUE && !watchdog.killedProcess()) {
            Thread.currentThread().interrupt();
            throw new StorageException(
                    StorageError.CANCELLED,
                    Outcome.UNKNOWN,
                    "command '" + String.join(" ", arguments) + "' was interrupted");
        }
        if (watchdog.killedProcess()) {
            throw failed("got timeout");
        }
        if (exitCode > FIRST_SIGNAL_EXIT_CODE) {
            throw failed("got signal " + (exitCode - FIRST_SIGNAL_EXIT_CODE));
        }
        if (exitCode == 0 && output.isCut()) {
            throw failed("wrote more than " + OutputText.LONGEST + " bytes");
        }
        return new Ended(exitCode, output.text());
    }

    /** The library trims the arguments that it keeps; a path may begin or end with a space. */
    private CommandLine commandLine() {
        return new CommandLine(arguments.getFirst()) {
            @Override
            public String[] toStrings() {
                return arguments.toArray(String[]::new);
            }
        };
    }

    private static Map<String, String> environment() {
        Map<String, String> environment = new HashMap<>(System.getenv());
        environment.put("LC_ALL", "C");
        return environment;
    }

    private StorageException failed(int exitCode, @Nullable String lastLine) {
        if (errorPrefix == null) {
            return failed("exit code " + exitCode);
        }
        String reason = lastLine == null ? "exit code " + exitCode : lastLine;
        return new StorageException(errorOf(reason), Outcome.UNKNOWN, errorPrefix + ": " + reason);
    }

    private StorageException failed(String reason) {
        return new StorageException(
                StorageError.COMMAND_FAILED,
                Outcome.UNKNOWN,
                "command '" + String.join(" ", arguments) + "' failed: " + reason);
    }

    private static StorageError errorOf(String reason) {
        return reason.contains("No space left on device") || reason.contains("Disk quota exceeded")
                ? StorageError.NO_SPACE
                : StorageError.COMMAND_FAILED;
    }
}
