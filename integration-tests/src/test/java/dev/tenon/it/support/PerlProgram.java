package dev.tenon.it.support;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A real perl that finds Tenon's modules and PVE's, and talks with the test by lines. */
public final class PerlProgram implements Closeable {
    /** Perl is slow in a guest, which is one processor for all. */
    private static final long LIMIT_SECONDS = System.getenv("TENON_GUEST") == null ? 60 : 600;

    private static final String END = "\0end";

    private final Process process;
    private final Path errors;
    private final List<String> said = new ArrayList<>();
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final BufferedWriter input;

    private PerlProgram(Process process, Path errors) {
        this.process = process;
        this.errors = errors;
        this.input = new BufferedWriter(new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
    }

    /** Starts perl with these arguments, whose daemon is the scratch directory's. */
    public static PerlProgram start(Scratch scratch, List<String> options, Path program, String... arguments) {
        return startAt(DaemonProcess.socketIn(scratch), scratch, options, program, arguments);
    }

    /** The same by a command that runs the command after it, for instance in a namespace of its own. */
    public static PerlProgram startBy(List<String> runner, Scratch scratch, Path program, String... arguments) {
        return startAt(DaemonProcess.socketIn(scratch), runner, scratch, List.of(), program, arguments);
    }

    /** Starts perl with the daemon at another socket. */
    static PerlProgram startAt(Path socket, Scratch scratch, List<String> options, Path program, String... arguments) {
        return startAt(socket, List.of(), scratch, options, program, arguments);
    }

    private static PerlProgram startAt(
            Path socket,
            List<String> runner,
            Scratch scratch,
            List<String> options,
            Path program,
            String... arguments) {
        List<String> command = new ArrayList<>(runner);
        command.add("perl");
        command.addAll(options);
        command.addAll(Installation.perlIncludes());
        command.add(program.toString());
        command.addAll(List.of(arguments));
        try {
            Path errors = Files.createTempFile(scratch.root(), "perl-", ".log");
            ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
            builder.environment().put("TENON_SOCKET", socket.toString());
            PerlProgram perl = scratch.closing(new PerlProgram(builder.start(), errors));
            scratch.logging("perl " + perl.process.pid(), () -> perl.said() + perl.errors());
            Thread.ofPlatform().daemon().name("perl-" + perl.process.pid()).start(perl::read);
            return perl;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs a program to its end, which must be good. */
    public static PerlProgram run(Scratch scratch, List<String> options, Path program, String... arguments) {
        PerlProgram perl = start(scratch, options, program, arguments);
        int status = perl.awaitEnd();
        if (status != 0) {
            throw new AssertionError(program.getFileName() + " ended with " + status + ": " + perl.errors());
        }
        return perl;
    }

    private void read() {
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                synchronized (said) {
                    said.add(line);
                }
                lines.add(line);
            }
        } catch (IOException e) {
            lines.add("reading failed: " + e);
        }
        lines.add(END);
    }

    /** The next line that it prints. */
    public String line() {
        try {
            String line = lines.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            if (line == null || line.equals(END)) {
                throw new AssertionError((line == null ? "the program prints nothing: " : "the program has ended: ")
                        + said()
                        + errors());
            }
            return line;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The next line that is a JSON object; what a plugin prints may come before it. */
    public String json() {
        String line = line();
        while (!line.startsWith("{")) {
            line = line();
        }
        return line;
    }

    public void say(String line) {
        try {
            input.write(line);
            input.newLine();
            input.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("the program reads nothing: " + errors(), e);
        }
    }

    public long pid() {
        return process.pid();
    }

    /** All that it has printed. */
    public String said() {
        synchronized (said) {
            return String.join("\n", said) + "\n";
        }
    }

    /** All that it has printed to standard error. */
    public String errors() {
        try {
            return new String(Files.readAllBytes(errors), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Closes its standard input and waits until it has ended and everything is read. */
    public int awaitEnd() {
        try {
            input.close();
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("the program has not ended: " + said() + errors());
            }
            for (String line = ""; !END.equals(line); ) {
                line = lines.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
                if (line == null) {
                    throw new AssertionError("the program's output does not end: " + said());
                }
            }
            return process.exitValue();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
