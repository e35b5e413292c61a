package dev.tenon.cli.demo;

import ch.qos.logback.classic.Level;
import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.codec.PositionalCalls;
import dev.tenon.bridge.codec.RemoteStorageException;
import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.perl.PluginDescription;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.cli.ExitStatus;
import dev.tenon.cli.PluginOptions;
import dev.tenon.cli.Surroundings;
import dev.tenon.cli.Tenon;
import dev.tenon.cli.console.Logging;
import dev.tenon.cli.host.Interruption;
import dev.tenon.core.spi.StorageException;
import dev.tenon.host.Home;
import dev.tenon.host.JavaProcess;
import dev.tenon.proto.Method;
import dev.tenon.proto.MethodTable;
import dev.tenon.proto.ProtocolException;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The main job on real images: Perl calls Java, Java calls Perl, and the answers side by side. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description =
                "Makes a scratch storage with real images, uses it from Perl through Java and from Java through a Perl"
                        + " plugin, and compares the answers.",
        footer = {
            "",
            "Example: tenon demo --plugin perl-shim/examples/LegacyDirPlugin.pm",
            "Exit status: 0 only if all rows agree, 1 if one does not, 2 wrong usage."
        })
public final class DemoCommand implements Callable<Integer> {
    private static final MethodTable TABLE = StorageApi.API.table();
    private static final String STORAGE = "scratch";

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--plugin",
            paramLabel = "FILE",
            description = "the Perl plugin that Java drives (default: the example, a directory plugin)")
    private @Nullable Path plugin;

    @Mixin
    private PluginOptions options = new PluginOptions();

    @Override
    public Integer call() throws Exception {
        Logging.usually(Level.ERROR, Surroundings.of(Objects.requireNonNull(spec)));
        try {
            return Interruption.guard(this::shown);
        } catch (InterruptedException e) {
            Objects.requireNonNull(spec).commandLine().getErr().println("tenon: cancelled; nothing is left of it");
            return ExitStatus.FAILED;
        }
    }

    private int shown() throws IOException, InterruptedException {
        Screen screen = new Screen(Objects.requireNonNull(spec).commandLine().getOut());
        Path file = plugin == null ? Home.perlShim().resolve("examples/LegacyDirPlugin.pm") : plugin;
        try (DemoStorage storage = DemoStorage.create()) {
            screen.line("A scratch storage with real images at " + storage.path());
            List<RecordedCall> calls = perlCallsJava(screen, storage);
            return javaCallsPerl(screen, storage, file, calls);
        }
    }

    // ---- Perl calls Java

    private List<RecordedCall> perlCallsJava(Screen screen, DemoStorage storage)
            throws IOException, InterruptedException {
        Path socket = storage.runtime().resolve("control.sock");
        try (JavaProcess daemon = daemon(socket, storage.log())) {
            screen.heading(
                    "Perl calls Java: an ordinary program, PVE::Storage::Custom::TenonDirPlugin, the daemon (pid "
                            + daemon.pid() + ")");
            List<RecordedCall> calls = new ArrayList<>();
            ProcessBuilder program =
                    perlProgram("storage-calls.pl", STORAGE, storage.path().toString());
            program.environment().put("TENON_SOCKET", socket.toString());
            int status = read(program, call -> {
                calls.add(call);
                screen.call(shownCall("$plugin->", call), Answer.ofPerl(TABLE.method(call.method()), call));
            });
            if (status != 0) {
                throw new IOException("the Perl program ended with exit status " + status + "; the daemon said: "
                        + Files.readString(storage.log()));
            }
            return calls;
        }
    }

    /** A daemon of its own, as {@code tenon serve} starts it. */
    private static JavaProcess daemon(Path socket, Path log) throws IOException, InterruptedException {
        List<String> arguments = List.of(
                "serve",
                "--socket",
                socket.toString(),
                "--journal",
                socket.resolveSibling("journal").toString());
        return JavaProcess.start(Tenon.class, arguments, List.of(socket), log);
    }

    /** Runs a program that prints calls, and returns its exit status. */
    private static int read(ProcessBuilder builder, Consumer<RecordedCall> reader)
            throws IOException, InterruptedException {
        Process program = builder.start();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(program.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                reader.accept(RecordedCall.parse(line));
            }
        }
        return program.waitFor();
    }

    /** One of the examples, with these arguments. */
    private ProcessBuilder perlProgram(String name, String... arguments) {
        Path shim = Home.perlShim();
        Path pveLibrary = options.pveLibrary();
        List<String> words = new ArrayList<>(List.of(
                "perl",
                "-I" + shim.resolve("lib"),
                "-I" + (pveLibrary == null ? shim.resolve("compat") : pveLibrary),
                shim.resolve("examples").resolve(name).toString()));
        words.addAll(List.of(arguments));
        return new ProcessBuilder(words)
                .redirectInput(new File("/dev/null"))
                .redirectError(ProcessBuilder.Redirect.INHERIT);
    }

    // ---- Java calls Perl

    private int javaCallsPerl(Screen screen, DemoStorage storage, Path file, List<RecordedCall> calls)
            throws IOException, InterruptedException {
        try (UnixSockets sockets = new UnixSockets();
                PerlStoragePlugin perl = PerlStoragePlugin.start(sockets, options.settings(file, storage.runtime()))) {
            PluginDescription description = perl.description();
            screen.heading("Java calls Perl: PerlStoragePlugin, " + description.packageName() + " (API level "
                    + description.level() + ") in its sidecar (pid "
                    + perl.pid().orElse(0) + ", PVE modules: "
                    + description.pve() + ")");
            if (!perl.options().containsKey("path")) {
                return compareClass(screen, perl, file);
            }
            List<Answer> answers = new ArrayList<>();
            for (RecordedCall call : calls) {
                Answer answer = callPerl(perl, call);
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                answers.add(answer);
                screen.call(shownCall("plugin.", call), answer);
            }
            return compare(screen, description, calls, answers);
        }
    }

    /** What can be compared of a plugin whose storages are no directories, as the scratch storage is one. */
    private int compareClass(Screen screen, PerlStoragePlugin perl, Path file)
            throws IOException, InterruptedException {
        screen.line("  A storage of type '" + perl.type()
                + "' has no 'path': it is no directory, as the scratch storage is.");
        screen.line(
                "  Compared is what the plugin answers without a storage: what it says of itself, and what it makes of"
                        + " names.");
        screen.heading("Side by side: what the plugin answers a plain Perl program, and what it answers Java");
        int[] rows = new int[2];
        int status = read(
                perlProgram(
                        "class-calls.pl",
                        file.toAbsolutePath().toString(),
                        perl.description().packageName()),
                call -> {
                    Answer plain = Answer.ofPerl(TABLE.method(call.method()), call);
                    Answer java = callPerl(perl, call);
                    String difference = Comparison.difference(call, plain, java, Set.of());
                    tellRow(screen, call, difference, plain, java, "perl", "java");
                    rows[difference == null ? 0 : 1]++;
                });
        if (status != 0) {
            throw new IOException("the Perl program that calls '" + file + "' ended with exit status " + status);
        }
        screen.dim("  not compared: everything that needs a storage; 'tenon storage add " + perl.type()
                + " ... --plugin FILE' and 'tenon volume' try that on one of yours");
        screen.line("");
        screen.line(rows[0] + " passed, " + rows[1] + " failed");
        return rows[1] == 0 && rows[0] > 0 ? 0 : 1;
    }

    private static void tellRow(
            Screen screen,
            RecordedCall call,
            @Nullable String difference,
            Answer one,
            Answer other,
            String oneSide,
            String otherSide) {
        screen.row(difference == null, shownCall("", call), difference == null ? one.brief() : difference);
        if (difference != null) {
            screen.difference(oneSide, one);
            screen.difference(otherSide, other);
        }
    }

    private static Answer callPerl(PerlStoragePlugin perl, RecordedCall call) {
        Method method = TABLE.method(call.method());
        try {
            return Answer.ofJava(
                    method,
                    StorageApi.callee(perl)
                            .call(
                                    call.method(),
                                    PositionalCalls.params(StorageApi.API, method, call.args(), perl.type()),
                                    Caller.NONE));
        } catch (RemoteStorageException e) {
            return Answer.failed(e.dieText().orElse(e.getMessage()));
        } catch (StorageException e) {
            return Answer.refused(e.getMessage());
        } catch (ProtocolException e) {
            return Answer.refused(e.getMessage());
        }
    }

    // ---- side by side

    private static int compare(
            Screen screen, PluginDescription description, List<RecordedCall> calls, List<Answer> answers) {
        screen.heading("Side by side: what Java answered Perl, and what the plugin answered Java");
        Set<String> made = new HashSet<>();
        int passed = 0;
        int failed = 0;
        int uncompared = 0;
        for (int i = 0; i < calls.size(); i++) {
            RecordedCall call = calls.get(i);
            if (call.method().equals("alloc_image") && call.result() instanceof String volname) {
                made.add(volname);
                made.add(STORAGE + ":" + volname);
            }
            Answer perl = answers.get(i);
            if (!description.overrides().contains(call.method()) || !perl.reached()) {
                uncompared++;
                continue;
            }
            Answer java = Answer.ofPerl(TABLE.method(call.method()), call);
            String difference = Comparison.difference(call, java, perl, made);
            tellRow(screen, call, difference, java, perl, "java", "perl");
            if (difference == null) {
                passed++;
            } else {
                failed++;
            }
        }
        screen.dim("  not compared: " + uncompared
                + " calls of methods that the plugin inherits from Java, or that Java refused before they reached it");
        screen.line("");
        screen.line(passed + " passed, " + failed + " failed");
        return failed == 0 && passed > 0 ? 0 : 1;
    }

    /** The call without what every call has: the configuration and the cache. */
    private static String shownCall(String prefix, RecordedCall call) {
        List<String> shown = new ArrayList<>();
        for (Object argument : call.args()) {
            switch (argument) {
                case Map<?, ?> map -> shown.add(map.isEmpty() ? "$cache" : "$scfg");
                case RecordedCall.Undefined ignored -> shown.add("undef");
                case null -> shown.add("undef");
                default -> shown.add(argument.toString());
            }
        }
        return prefix + call.method() + "(" + String.join(", ", shown) + ")";
    }
}
