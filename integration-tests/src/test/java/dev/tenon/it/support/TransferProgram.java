package dev.tenon.it.support;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A Perl program that moves one volume through a proxy class, between the daemon and its standard input or output. */
public final class TransferProgram implements Closeable {
    private static final long LIMIT_SECONDS = 30;

    private final Process process;
    private final Path errors;

    private TransferProgram(Process process, Path errors) {
        this.process = process;
        this.errors = errors;
    }

    /** Exports a volume of the scratch directory's storage {@code nas} to {@link #output()}. */
    public static TransferProgram exporting(Scratch scratch, String type, String volume, String format) {
        return start(scratch, "export", type, volume, format);
    }

    /** Imports a volume into the scratch directory's storage {@code nas} from {@link #input()}. */
    public static TransferProgram importing(Scratch scratch, String type, String volume, String format) {
        return start(scratch, "import", type, volume, format);
    }

    private static TransferProgram start(Scratch scratch, String action, String type, String volume, String format) {
        List<String> command = new ArrayList<>(List.of("perl"));
        command.addAll(Installation.perlIncludes());
        command.add(Installation.resource("perl/transfer.pl").toString());
        command.addAll(List.of(action, type, "nas", scratch.storage().toString(), volume, format));
        try {
            Path errors = Files.createTempFile(scratch.root(), "transfer-", ".log");
            ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
            builder.environment()
                    .put("TENON_SOCKET", DaemonProcess.socketIn(scratch).toString());
            return scratch.closing(new TransferProgram(builder.start(), errors));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What it imports. */
    public OutputStream input() {
        return process.getOutputStream();
    }

    /** What it exports, or the id of what it imported. */
    public InputStream output() {
        return process.getInputStream();
    }

    public long pid() {
        return process.pid();
    }

    /** kill -9. */
    public void kill() {
        process.destroyForcibly();
    }

    /** The rest of its output as text. */
    public String said() throws IOException {
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    public String errors() {
        try {
            return Files.readString(errors);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Its exit status. */
    public int awaitEnd() throws InterruptedException {
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("the transfer does not end: " + errors());
        }
        return process.exitValue();
    }

    @Override
    public void close() throws IOException {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        Files.delete(errors);
    }
}
