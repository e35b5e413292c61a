package dev.tenon.it.support;

import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;

/**
 * A machine of {@code bin/guest}, with a kernel and disks of its own, in which test classes run that need block storages.
 * Each test there is one here, and a machine that can have no guest reports one that is skipped.
 */
public final class Guest {
    /** The answer of {@code bin/guest} where there can be none. */
    private static final int NO_GUEST = 2;

    static final String LAST_LINE = "\u0001END\n";
    private static final Pattern LINE = Pattern.compile("\u0001([A-Z]+) ([^ \n]*) ([^ \n]*)\n");

    private final Scratch scratch;
    private final List<String> program;
    private final List<String> options = new ArrayList<>();
    private final Map<String, String> properties = new LinkedHashMap<>();
    private final Map<String, String> variables = new LinkedHashMap<>();

    /** How a command ended in the guest. */
    public record Said(int status, String output, String errors) {}

    enum How {
        PASSED,
        SKIPPED,
        FAILED
    }

    /** How a test ended, and why. */
    record Ended(How how, String why) {
        private static String encoded(String text) {
            return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
        }

        private static String decoded(String text) {
            return new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
        }

        String line(String name) {
            return "\u0001" + how + " " + encoded(name) + " " + encoded(why) + "\n";
        }

        private void show() {
            switch (how) {
                case PASSED -> {}
                case SKIPPED -> abort(why);
                case FAILED -> throw new AssertionError("in the guest: " + why);
            }
        }
    }

    /** A guest that boots with each command, and lasts as long. */
    public Guest(Scratch scratch) {
        this(scratch, List.of(Installation.home() + "/bin/guest"));
    }

    /** The same with ZFS, which takes minutes to build once, and whose commands take some tenths of a second. */
    public static Guest withZfs(Scratch scratch) {
        return new Guest(scratch, List.of(Installation.home() + "/bin/guest", "--zfs"));
    }

    private Guest(Scratch scratch, List<String> program) {
        this.scratch = scratch;
        this.program = program;
        // Commands of LVM are slow there, and a loaded machine makes them slower.
        options.addAll(List.of("--limit", "1800"));
        Properties own = System.getProperties();
        own.stringPropertyNames().stream()
                .filter(name -> name.startsWith("tenon."))
                .forEach(name -> properties.put(name, own.getProperty(name)));
    }

    /** With an empty disk of this size, as {@code bin/guest} understands it; the first is {@code /dev/ubda}. */
    public Guest withDisk(String size) {
        options.addAll(List.of("--disk", size));
        return this;
    }

    /** Killed after so long, and not sooner. */
    public Guest within(Duration limit) {
        options.addAll(List.of("--limit", Long.toString(limit.toSeconds())));
        return this;
    }

    /** With something that the tests inside read. */
    public Guest withProperty(String name, String value) {
        properties.put(name, value);
        return this;
    }

    /** With a variable of the environment. */
    public Guest withVariable(String name, String value) {
        variables.put(name, value);
        return this;
    }

    /** Reports the test as skipped, with the reason, if this machine can have no guest. */
    public Guest required() {
        List<String> command = new ArrayList<>(program);
        command.add("--check");
        Said check = said(command);
        assumeTrue(check.status() != NO_GUEST, check.errors().strip().replaceAll("(?s).*\n", ""));
        if (check.status() != 0) {
            throw new AssertionError("bin/guest --check: " + check.errors());
        }
        return this;
    }

    /** Runs a command in the guest. */
    public Said run(String... command) {
        List<String> whole = new ArrayList<>(program);
        whole.addAll(options);
        whole.addAll(List.of("--tied", "--"));
        whole.addAll(List.of(command));
        return said(whole);
    }

    private Said said(List<String> command) {
        try {
            Path output = Files.createTempFile(scratch.root(), "guest-", ".out");
            Path errors = Files.createTempFile(scratch.root(), "guest-", ".err");
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectOutput(output.toFile()).redirectError(errors.toFile());
            builder.environment().put("TMPDIR", scratch.root().toString());
            builder.environment().putAll(variables);
            Process process = builder.start();
            try {
                int status = process.waitFor();
                return new Said(status, Files.readString(output), Files.readString(errors));
            } finally {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Runs the tests of these classes in one guest. */
    public Stream<DynamicTest> tests(Class<?>... classes) {
        required();
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m"));
        properties.forEach((name, value) -> command.add("-D" + name + "=" + value));
        Path frozen = scratch.file("classes");
        command.addAll(List.of("-cp", frozenClassPath(frozen), TestsInGuest.class.getName()));
        options.addAll(List.of("--share", frozen.toString()));
        Stream.of(classes).map(Class::getName).forEach(command::add);
        Said said = run(command.toArray(String[]::new));
        scratch.logging("what was said in the guest", said::errors);
        List<DynamicTest> tests = new ArrayList<>();
        Matcher line = LINE.matcher(said.output());
        while (line.find()) {
            Ended ended = new Ended(How.valueOf(line.group(1)), Ended.decoded(line.group(3)));
            tests.add(DynamicTest.dynamicTest(Ended.decoded(line.group(2)), ended::show));
        }
        if (!said.output().endsWith(LAST_LINE) || said.status() != 0) {
            tests.add(DynamicTest.dynamicTest("the guest", () -> {
                throw new AssertionError(
                        "the guest ended with " + said.status() + " before the tests: " + said.errors());
            }));
        }
        return tests.stream();
    }

    /** A guest need not see that a file changes which it has looked at, and somebody may build meanwhile. */
    private static String frozenClassPath(Path frozen) {
        List<String> entries = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            Path path = Path.of(entry);
            entries.add(
                    Files.isDirectory(path)
                            ? copy(path, frozen.resolve(Integer.toString(entries.size())))
                                    .toString()
                            : entry);
        }
        return String.join(File.pathSeparator, entries);
    }

    private static Path copy(Path from, Path to) {
        try {
            Files.walkFileTree(from, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                        throws IOException {
                    Files.createDirectories(to.resolve(from.relativize(directory)));
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.copy(file, to.resolve(from.relativize(file)));
                    return FileVisitResult.CONTINUE;
                }
            });
            return to;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
