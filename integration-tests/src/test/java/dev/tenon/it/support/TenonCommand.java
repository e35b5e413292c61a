package dev.tenon.it.support;

import dev.tenon.cli.DataStreams;
import dev.tenon.cli.Surroundings;
import dev.tenon.cli.Tenon;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * A {@code tenon} command that has ended.
 *
 * @param status its exit status
 * @param said its standard output
 * @param errors its standard error, without what is logged
 */
public record TenonCommand(int status, String said, String errors) {

    /**
     * Runs a command in this JVM, as its process would in the scratch directory: what is said of it holds for both, and
     * to start a JVM takes longer than most commands do.
     */
    public static TenonCommand run(Scratch scratch, String... arguments) {
        return run(scratch, new StringWriter(), arguments);
    }

    /** The same with a standard output that takes no character, as {@code /dev/full} does. */
    public static TenonCommand runUnheard(Scratch scratch, String... arguments) {
        return run(scratch, new Full(), arguments);
    }

    private static TenonCommand run(Scratch scratch, Writer said, String... arguments) {
        StringWriter errors = new StringWriter();
        Map<String, String> environment = new HashMap<>(System.getenv());
        environment.putAll(variables(scratch));
        try (PrintWriter out = new PrintWriter(said);
                PrintWriter err = new PrintWriter(errors)) {
            int status = Tenon.run(
                    new Surroundings(new DataStreams.Nothing(), out, err, scratch.root(), environment), arguments);
            out.flush();
            err.flush();
            return new TenonCommand(status, said.toString(), errors.toString());
        }
    }

    private static final class Full extends Writer {
        @Override
        public void write(char[] buffer, int offset, int length) throws IOException {
            throw new IOException("No space left on device");
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}

        @Override
        public String toString() {
            return "";
        }
    }

    /** Runs a command in a process of its own, with this file as its standard input. */
    public static TenonCommand runProcess(Scratch scratch, File input, String... arguments) {
        return runProcess(scratch, input, Map.of(), arguments);
    }

    /** The same with these further variables in its environment. */
    public static TenonCommand runProcess(
            Scratch scratch, File input, Map<String, String> environment, String... arguments) {
        try {
            Path errors = Files.createTempFile(scratch.root(), "errors-", ".log");
            ProcessBuilder command = new ProcessBuilder(Installation.tenonCommand(scratch.temporary(), arguments))
                    .redirectInput(input)
                    .redirectError(errors.toFile());
            command.environment().putAll(variables(scratch));
            command.environment().putAll(environment);
            Process process = command.start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new TenonCommand(process.waitFor(), said, Files.readString(errors));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static Map<String, String> variables(Scratch scratch) {
        return Map.of(
                "TENON_LOG", "error", "TENON_LOCK_DIR", scratch.file("lock").toString());
    }
}
