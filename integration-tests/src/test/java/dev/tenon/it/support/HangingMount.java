package dev.tenon.it.support;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A mount that never answers, as that of a network file system whose server is gone: a FUSE server that says nothing. */
public final class HangingMount implements Closeable {
    private final Process server;
    private final Path path;

    private HangingMount(Process server, Path path) {
        this.server = server;
        this.path = path;
    }

    /** Mounts one. Skips the test where this user may not mount, or the kernel has no FUSE. */
    public static HangingMount make(Scratch scratch) {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root may mount a file system");
        assumeTrue(Files.isReadable(Path.of("/dev/fuse")), "the kernel has no FUSE here");
        try {
            Path path = Files.createDirectory(scratch.file("hangs"));
            Process server = new ProcessBuilder(
                            "perl",
                            Installation.resource("perl/hanging-mount.pl").toString(),
                            path.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            BufferedReader said = server.inputReader(StandardCharsets.US_ASCII);
            if (!"mounted".equals(said.readLine())) {
                throw new AssertionError("nothing is mounted");
            }
            return scratch.closing(new HangingMount(server, path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Path path() {
        return path;
    }

    /** Those who wait for it get an error, and the directory is an ordinary one again. */
    @Override
    public void close() throws IOException {
        server.getOutputStream().close();
        try {
            server.waitFor();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
