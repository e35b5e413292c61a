package dev.tenon.bridge.serve;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** Runs commands in this process for others, which would otherwise start a process of their own for them. */
@FunctionalInterface
public interface CommandRunner {
    /**
     * A command.
     *
     * @param words those of the command line
     * @param directory what paths are relative to
     * @param columns the width of the terminal that reads standard output, 0 if it is none
     * @param place what of the caller's process decides what it would find: where Tenon is installed, the kernel's
     *     namespaces, the groups of its user
     * @param environment the variables that decide what a command does
     */
    record Asked(
            List<String> words,
            String directory,
            int columns,
            Map<String, String> place,
            Map<String, String> environment) {
        public Asked {
            words = List.copyOf(words);
            place = Map.copyOf(place);
            environment = Map.copyOf(environment);
        }
    }

    /** A piece of what a command has printed. */
    record Printed(boolean isError, String text) {}

    /** How a command has ended; what it printed is in its order. */
    record Ended(int status, List<Printed> output) {
        public Ended {
            output = List.copyOf(output);
        }
    }

    /**
     * Runs a command that changes nothing, if it is sure to do what it would do in the caller's process.
     *
     * @param gone completes when nobody waits for it any more
     * @throws dev.tenon.core.spi.StorageException {@code NOT_SUPPORTED} if it is not sure; nothing was printed anywhere then
     * @throws InterruptedException if this thread is interrupted; the command is, too
     */
    Ended run(Asked asked, CompletionStage<?> gone) throws InterruptedException;
}
