package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Plugins that others have published answer a host as they did before they were adopted. {@value #VARIABLE} names a
 * directory with one directory for each plugin, in which {@code PVE/Storage/Custom/NAME.pm} is the plugin, beside the
 * modules of its own that it loads.
 */
class PublicPluginsTest {
    private static final String VARIABLE = "TENON_PUBLIC_PLUGINS";
    private static final Path CUSTOM = Path.of("PVE", "Storage", "Custom");

    /** A plugin may wait long for a server that is not there, once for every question. */
    private static final long MINUTES = 15;

    private static Stream<Path> plugins() throws IOException {
        String directory = System.getenv(VARIABLE);
        if (directory == null || directory.isEmpty()) {
            return Stream.of(Path.of("none"));
        }
        try (Stream<Path> files = Files.walk(Path.of(directory), CUSTOM.getNameCount() + 2)) {
            return files
                    .filter(file -> file.toString().endsWith(".pm"))
                    .filter(file -> file.getParent() != null && file.getParent().endsWith(CUSTOM))
                    .sorted()
                    .toList()
                    .stream();
        }
    }

    @ParameterizedTest
    @MethodSource("plugins")
    void anAdoptedPluginAnswersAsItDidBefore(Path plugin, Scratch scratch) throws IOException {
        assumeTrue(Files.exists(plugin), "set " + VARIABLE + " to a directory with plugins to compare their answers");
        Path library = copy(libraryOf(plugin), scratch.file("library"));
        Path file = library.resolve(CUSTOM).resolve(plugin.getFileName());
        // PVE writes and checks in the order of a hash, which is another one in each process.
        Map<String, String> environment = Map.of(
                "PERL5LIB", perlLibraries(library),
                "PERL_HASH_SEED", "0",
                "PERL_PERTURB_KEYS", "0");

        Map<String, String> before = answers(scratch, environment, file, "before");
        assumeTrue(before.size() > 1, () -> plugin + " " + before);

        Path state = scratch.file("adopted");
        TenonCommand adopted = TenonCommand.runProcess(
                scratch,
                new File("/dev/null"),
                environment,
                "adopt",
                "--state",
                state.toString(),
                "--socket",
                DaemonProcess.socketIn(scratch).toString(),
                file.toString());
        if (adopted.errors().contains("cannot be adopted; nothing was done: line ")) {
            assertThat(file).hasSameBinaryContentAs(plugin);
            abort(adopted.errors());
        }
        assertThat(adopted.errors()).isEmpty();
        assertThat(adopted.status()).isZero();
        DaemonProcess.startBy(
                scratch,
                Stream.concat(
                                Stream.of("env"),
                                environment.entrySet().stream()
                                        .map(variable -> variable.getKey() + "=" + variable.getValue()))
                        .toList(),
                List.of("--adopted", state.toString()));

        Map<String, String> after = answers(scratch, environment, file, "after");
        Map<String, List<String>> different = new TreeMap<>();
        before.forEach((question, answer) -> {
            String expected = asDocumented(question, answer);
            String got = String.valueOf(after.get(question));
            if (!got.startsWith(expected) && !isLate(question, got)) {
                different.put(question, List.of(expected, got));
            }
        });
        System.out.printf("%s: %d of %d answers are equal%n", plugin, before.size() - different.size(), before.size());
        assertThat(different).isEmpty();
        assertThat(after.keySet()).isEqualTo(before.keySet());
    }

    /** What docs/COMPATIBILITY.md says becomes of an answer; what differs in its end may begin so. */
    private static String asDocumented(String question, String answer) {
        if (question.endsWith(" unheard-of")) {
            return "[\"0\"]";
        }
        if (question.startsWith("get_volume_notes ") && answer.equals("[null]")) {
            return "[\"died: volume notes are not supported for storage type ";
        }
        return answer;
    }

    /** A plugin that waits longer than PVE's daemons may is not waited for. */
    private static boolean isLate(String question, String got) {
        return got.contains(": the plugin did not answer within ")
                || (question.startsWith("status ") && got.equals("[]"));
    }

    private static Path libraryOf(Path plugin) {
        Path library = plugin.toAbsolutePath();
        for (int i = 0; i <= CUSTOM.getNameCount(); i++) {
            library = library.resolve("..");
        }
        return library.normalize();
    }

    private static String perlLibraries(Path library) {
        String more = System.getenv("PERL5LIB");
        return more == null || more.isEmpty() ? library.toString() : library + File.pathSeparator + more;
    }

    private static Path copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.sorted().toList()) {
                Files.copy(file, to.resolve(from.relativize(file)));
            }
        }
        return to;
    }

    /** What the questions of {@code public-plugin.pl} are answered with, by question. */
    private static Map<String, String> answers(Scratch scratch, Map<String, String> environment, Path file, String when)
            throws IOException {
        Path out = scratch.file(when + ".txt");
        List<String> command = new ArrayList<>(List.of("perl"));
        command.addAll(Installation.perlIncludes());
        command.add(Installation.resource("perl/public-plugin.pl").toString());
        command.addAll(
                List.of(file.toString(), out.toString(), scratch.storage().toString()));
        Path log = scratch.file(when + ".log");
        // PVE's daemons and the sidecars are in this directory.
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(new File("/"))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .redirectInput(new File("/dev/null"));
        builder.environment().putAll(environment);
        Process perl = builder.start();
        try {
            boolean hasEnded = perl.waitFor(MINUTES, TimeUnit.MINUTES);
            assertThat(hasEnded).as("has ended").isTrue();
            assertThat(perl.exitValue()).as(() -> read(log)).isZero();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            perl.destroyForcibly();
        }
        Map<String, String> answers = new LinkedHashMap<>();
        for (String line : Files.readAllLines(out)) {
            int end = line.lastIndexOf(" = ", line.indexOf(" = ") + 1);
            answers.put(end < 0 ? line : line.substring(0, end), end < 0 ? "" : line.substring(end + 3));
        }
        return answers;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
