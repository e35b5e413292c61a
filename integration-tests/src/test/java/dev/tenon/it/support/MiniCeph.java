package dev.tenon.it.support;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A Ceph cluster of {@code bin/ceph}, of one test or of all tests of a class; it takes two seconds to start. It ends with
 * them, and with this process, however that ends. Clients may use keys or not, as they like.
 */
public final class MiniCeph {
    /** The answer of {@code bin/ceph} where there can be none. */
    private static final int NO_CEPH = 2;

    private static final long LAST_BREATH_SECONDS = 30;

    private final Path directory;
    private final Path programs;
    private final Process holder;

    private MiniCeph(Path directory, Path programs, Process holder) {
        this.directory = directory;
        this.programs = programs;
        this.holder = holder;
    }

    /** Starts one; reports the test as skipped, with the reason, if this machine can have none. */
    public static MiniCeph start(Scratch scratch, String... options) {
        try {
            // Short, for the names of its sockets.
            Path directory = Files.createDirectory(scratch.file("ceph"));
            Path errors = scratch.file("ceph.err");
            List<String> command = new ArrayList<>(List.of(Installation.home() + "/bin/ceph", "hold"));
            command.addAll(List.of(options));
            command.add(directory.toString());
            Process process =
                    new ProcessBuilder(command).redirectError(errors.toFile()).start();
            scratch.closing(() -> end(process));
            BufferedReader said = process.inputReader(StandardCharsets.UTF_8);
            if (!"started".equals(said.readLine())) {
                int status = process.onExit().join().exitValue();
                String why = Files.readString(errors);
                if (status == NO_CEPH) {
                    abort(why.strip().replaceAll("(?s).*\n", ""));
                }
                throw new AssertionError("bin/ceph hold ended with " + status + ": " + why);
            }
            return new MiniCeph(directory, Path.of(said.readLine()), process);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void end(Process process) throws IOException {
        process.getOutputStream().close();
        try {
            if (!process.waitFor(LAST_BREATH_SECONDS, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The command with which it ends. */
    public Process holder() {
        return holder;
    }

    /** Where rbd, rados and ceph are. */
    public Path programs() {
        return programs;
    }

    /** The directory of the libraries. */
    public Path libraries() {
        return programs.resolveSibling("root").resolve("usr/lib/x86_64-linux-gnu");
    }

    public Path configuration() {
        return directory.resolve("ceph.conf");
    }

    /** The keyring of client.admin. */
    public Path keyring() {
        return directory.resolve("admin.keyring");
    }

    /** The monitor's address, as a storage is configured with. */
    public String monitor() {
        return setting("mon_host").replaceFirst("^\\[v2:([0-9.]+:\\d+)/.*", "$1");
    }

    public String fsid() {
        return setting("fsid");
    }

    private String setting(String name) {
        try (Stream<String> lines = Files.lines(configuration())) {
            return lines.filter(line -> line.startsWith(name + " = "))
                    .map(line -> line.substring(name.length() + 3))
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The number of the process of {@code mon}, {@code osd} or {@code mgr}. */
    public long pid(String daemon) {
        try {
            return Long.parseLong(
                    Files.readString(directory.resolve(daemon + ".pid")).strip());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a program of Ceph prints, which must succeed. */
    public String run(String program, String... arguments) {
        List<String> command = new ArrayList<>(List.of(programs.resolve(program).toString()));
        command.addAll(List.of(arguments));
        return run(command);
    }

    private String run(List<String> command) {
        try {
            Path errors = Files.createTempFile(directory, "said-", "");
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectInput(new File("/dev/null"))
                    .redirectError(errors.toFile());
            builder.environment().putAll(environment());
            Process process = builder.start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.onExit().join().exitValue())
                    .as(String.join(" ", command) + ": " + output + Files.readString(errors))
                    .isZero();
            Files.delete(errors);
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What its programs need. */
    public Map<String, String> environment() {
        return Map.of("CEPH_CONF", configuration().toString());
    }

    /** Makes another pool for images. */
    public void makePool(String name) {
        run("ceph", "osd", "pool", "create", name, "4");
        run("rbd", "pool", "init", name);
    }
}
