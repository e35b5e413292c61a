package dev.tenon.it.support;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives tests their {@link Scratch}, shows the logs of both sides when one fails, and after every class looks for what it
 * left behind: processes, sockets, mounts, files. A thread that an exception ended fails the class, too. Every test class
 * has it, by {@code META-INF/services}.
 */
public final class Ledger
        implements BeforeAllCallback, AfterAllCallback, AfterTestExecutionCallback, ParameterResolver {
    private static final Namespace SPACE = Namespace.create(Ledger.class);
    /** By the names of the threads. */
    private static final Map<String, Throwable> DEATHS = new ConcurrentHashMap<>();

    private static final Duration LAST_BREATH = Duration.ofSeconds(15);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == Scratch.class;
    }

    /** The one of this test or, outside of tests, of this class; closed with it. */
    @Override
    public Scratch resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return own(context);
    }

    private static Scratch own(ExtensionContext context) {
        return context.getStore(SPACE)
                .getOrComputeIfAbsent("scratch-" + context.getUniqueId(), _ -> new Scratch(), Scratch.class);
    }

    @Override
    public void afterTestExecution(ExtensionContext context) {
        if (context.getExecutionException().isEmpty()) {
            return;
        }
        for (ExtensionContext at = context; at != null; at = at.getParent().orElse(null)) {
            Scratch scratch = at.getStore(SPACE).get("scratch-" + at.getUniqueId(), Scratch.class);
            if (scratch != null) {
                System.out.println("==== " + context.getDisplayName() + "\n" + scratch.logs());
            }
        }
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        Thread.setDefaultUncaughtExceptionHandler((thread, e) -> DEATHS.put(thread.getName(), e));
        context.getStore(SPACE).put("before", strangers());
    }

    @Override
    public void afterAll(ExtensionContext context) throws Exception {
        Scratch scratch = context.getStore(SPACE).remove("scratch-" + context.getUniqueId(), Scratch.class);
        if (scratch != null) {
            scratch.close();
        }
        Map<String, Throwable> deaths = Map.copyOf(DEATHS);
        DEATHS.clear();
        assertThat(deaths).as("threads that an exception ended").isEmpty();
        @SuppressWarnings("unchecked")
        Set<String> before = (Set<String>) context.getStore(SPACE).get("before", Set.class);
        // A process that was told to end may need a moment, and so may a stranger's demonstration.
        await("everything that " + context.getDisplayName() + " started and made is gone")
                .atMost(LAST_BREATH)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> {
                    assertThat(children()).as("child processes").isEmpty();
                    assertThat(orphans()).as("processes without a parent").isEmpty();
                    assertThat(mentions(Path.of("/proc/net/unix")))
                            .as("sockets")
                            .isEmpty();
                    assertThat(mentions(Path.of("/proc/self/mountinfo")))
                            .as("mounts")
                            .isEmpty();
                    Set<String> files = strangers();
                    files.removeAll(before);
                    files.removeIf(Ledger::isInUse);
                    assertThat(files).as("files in /tmp").isEmpty();
                });
    }

    /** Whether a process that is no child of ours, a demonstration for instance, works with this entry of /tmp now. */
    private static boolean isInUse(String name) {
        String path = "/tmp/" + name;
        if (text(Path.of("/proc/net/unix")).contains(path)) {
            return true;
        }
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                if (text(process.resolve("cmdline")).contains(path)) {
                    return true;
                }
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return false;
    }

    private static List<String> children() {
        return ProcessHandle.current()
                .descendants()
                .map(process ->
                        process.pid() + " " + process.info().commandLine().orElse("?"))
                .toList();
    }

    /** Processes whose command or environment mentions a scratch directory of ours. */
    private static List<String> orphans() throws IOException {
        List<String> found = new ArrayList<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                if (process.endsWith(Long.toString(ProcessHandle.current().pid()))) {
                    continue;
                }
                String command = text(process.resolve("cmdline"));
                if (command.contains("/" + Scratch.OWN)
                        || text(process.resolve("environ")).contains("/" + Scratch.OWN)) {
                    found.add(process.getFileName() + " " + command);
                }
            }
        }
        return found;
    }

    private static String text(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).replace('\0', ' ');
        } catch (IOException e) {
            return ""; // it has ended, or is not ours to look at
        }
    }

    private static List<String> mentions(Path table) {
        return text(table)
                .lines()
                .filter(line -> line.contains("/" + Scratch.OWN))
                .toList();
    }

    /** Tenon's entries in /tmp, without those of other test runs. */
    private static Set<String> strangers() {
        Set<String> names = new TreeSet<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(Path.of("/tmp"), "tenon-*")) {
            for (Path entry : entries) {
                String name = entry.getFileName().toString();
                if (!name.startsWith("tenon-it-") || name.startsWith(Scratch.OWN)) {
                    names.add(name);
                }
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return names;
    }
}
