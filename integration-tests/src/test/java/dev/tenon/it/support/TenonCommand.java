package dev.tenon.it.support;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A {@code tenon} command that has ended.
 *
 * @param status its exit status
 * @param said its standard output
 * @param errors its standard error, without what is logged
 */
public record TenonCommand(int status, String said, String errors) {

    public static TenonCommand run(Scratch scratch, String... arguments) {
        return run(scratch, new File("/dev/null"), arguments);
    }

    /** With this file as its standard input. */
    public static TenonCommand run(Scratch scratch, File input, String... arguments) {
        try {
            Path errors = Files.createTempFile(scratch.root(), "errors-", ".log");
            ProcessBuilder command = new ProcessBuilder(Installation.tenonCommand(scratch.temporary(), arguments))
                    .redirectInput(input)
                    .redirectError(errors.toFile());
            command.environment().put("TENON_LOG", "error");
            command.environment().put("TENON_LOCK_DIR", scratch.file("lock").toString());
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
}
