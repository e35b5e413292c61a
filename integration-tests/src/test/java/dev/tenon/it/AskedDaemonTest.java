package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.HangingMount;
import dev.tenon.it.support.Images;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Commands that the daemon runs for the processes that people start. */
class AskedDaemonTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String VOLUME = "fast:100/vm-100-disk-0.raw";

    /** What the start script does when the daemon has not run the command. */
    private static final Ended ANEW = new Ended(9, "started anew\n", "");

    private Scratch scratch;
    private StorageCommands storages;
    private Path script;

    private record Ended(int status, String said, String errors) {}

    @BeforeEach
    void make(Scratch given) throws IOException {
        scratch = given;
        storages = StorageCommands.withDirectory(scratch, "fast");
        Images.raw(scratch.storage(), 100, "vm-100-disk-0.raw");
        Files.createDirectories(scratch.storage().resolve("template/iso"));
        Files.write(scratch.storage().resolve("template/iso/gr\u00fcn \ud83d\ude00.iso"), new byte[1]);
        script = Files.writeString(scratch.file("start"), """
                #!/bin/bash
                . '%s/bin/lib.sh'
                ask_daemon "$@"
                echo "started anew${TENON_ASKED:-}"
                exit 9
                """.formatted(Installation.home()));
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** The words with the options of the configuration, and the daemon's socket. */
    private String[] words(String... words) {
        List<String> all = new ArrayList<>(List.of(words));
        if (!words[0].equals("status")) {
            all.addAll(storages.options());
        }
        all.addAll(List.of("--socket", DaemonProcess.socketIn(scratch).toString()));
        return all.toArray(String[]::new);
    }

    private List<String> asking(String... words) {
        List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT", script.toString()));
        command.addAll(List.of(words(words)));
        return command;
    }

    /** A process whose variables are those of the daemon, and these. */
    private static Process start(List<String> command, Path errors, Map<String, String> more) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectInput(new File("/dev/null")).redirectError(errors.toFile());
        builder.environment()
                .put("TENON_BITMAP_DIR", errors.resolveSibling("bitmaps").toString());
        builder.environment().putAll(more);
        return builder.start();
    }

    private Ended run(List<String> command, Map<String, String> more) throws IOException, InterruptedException {
        Path errors = Files.createTempFile(scratch.root(), "errors-", ".log");
        Process process = start(command, errors, more);
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), said, Files.readString(errors));
    }

    private Ended ask(String... words) throws IOException, InterruptedException {
        return run(asking(words), Map.of());
    }

    /** One that runs, and has run its first command, which takes it longer. */
    private DaemonProcess daemon() throws IOException, InterruptedException {
        DaemonProcess daemon = DaemonProcess.start(scratch);
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (ask("volume", "list", "fast").equals(ANEW)) {
            assertThat(System.nanoTime()).as("the daemon runs no command").isLessThan(end);
        }
        return daemon;
    }

    /** The same by a process that is not asked for, as without a daemon. */
    private Ended itself(String... words) throws IOException, InterruptedException {
        return run(Installation.tenonCommand(scratch.temporary(), words(words)), Map.of());
    }

    @Test
    void itPrintsWhatTheCommandItselfPrints() throws IOException, InterruptedException {
        daemon();
        for (String line : List.of(
                "storage list",
                "storage status local --json",
                "volume list",
                "volume path " + VOLUME + " --json",
                "volume info " + VOLUME,
                "volume snapshots " + VOLUME,
                "volume info fast:100/vm-100-disk-9.raw",
                "volume list nowhere --frobnicate",
                "backup list nowhere")) {
            String[] words = line.split(" ", -1);

            Ended asked = ask(words);

            assertThat(asked).as(line).isNotEqualTo(ANEW).isEqualTo(itself(words));
        }
    }

    @Test
    void itTellsWhatItDoes() throws IOException, InterruptedException {
        DaemonProcess daemon = daemon();
        String told = "The daemon is process " + daemon.pid() + " and has been listening at '" + daemon.socket();

        // What ran before may be inside a storage for a moment longer.
        Awaitility.await("nothing but this command")
                .atMost(PATIENCE)
                .untilAsserted(() ->
                        assertThat(ask("status").said()).startsWith(told).endsWith("\nNo call is inside a storage.\n"));
        assertThat(itself("status").said()).startsWith(told).endsWith("\nNo call is inside a storage.\n");
    }

    @Test
    void relativePathsAreForTheCommandItself() throws IOException, InterruptedException {
        daemon();
        List<String> command = new ArrayList<>(List.of("env", "--chdir=" + scratch.root()));
        command.addAll(List.of(script.toString(), "volume", "list", "--names", "--config", "storage.cfg"));
        command.addAll(List.of("--adopted", "none", "--socket", "run/control.sock"));

        assertThat(run(command, Map.of())).as("it may print them").isEqualTo(ANEW);
    }

    @Test
    void whatCannotBePrintedIsTold() throws IOException, InterruptedException {
        daemon();
        List<String> unheard = new ArrayList<>(List.of("sh", "-c", "exec \"$@\" >/dev/full", "sh"));
        unheard.addAll(asking("volume", "list"));

        assertThat(run(unheard, Map.of()))
                .isEqualTo(new Ended(1, "", "tenon: standard output cannot be written, so the output is incomplete\n"));
    }

    @Test
    void itIsNotSureOfAll() throws IOException, InterruptedException {
        daemon();
        for (String line : List.of(
                "volume alloc fast --vmid 100 --size 1M",
                "volume list --help",
                "volume list -h",
                "volume list @words",
                "volume list --plugin=LegacyDirPlugin.pm",
                "volume list --pve-lib lib",
                "volume info /dev/stdin --format raw",
                "storage list --config /proc/self/fd/0")) {
            assertThat(ask(line.split(" ", -1))).as(line).isEqualTo(ANEW);
        }
    }

    @Test
    void variablesThatDecideMustBeTheSame() throws IOException, InterruptedException {
        daemon();
        String path = System.getenv("PATH");
        List<String> command = asking("volume", "list", "fast");

        for (Map<String, String> more : List.of(
                Map.of("TENON_PVE_LIB", "/nowhere"),
                Map.of("TENON_LOG", "error"),
                Map.of("PERL5LIB", "/nowhere"),
                Map.of("LVM_SYSTEM_DIR", "/nowhere"),
                Map.of("JAVA_TOOL_OPTIONS", "-Da=b"),
                Map.of("TZ", "Asia/Tokyo"),
                Map.of("no_proxy", "example.com"),
                Map.of("PATH", path + ":/nowhere"))) {
            assertThat(run(command, more)).as("%s", more).isEqualTo(ANEW);
        }
        for (Map<String, String> more : List.of(
                Map.of("LESS", "-R"),
                Map.of("NO_COLOR", "1"),
                Map.of("PATH", path + ":" + path),
                Map.of("HOME", "/"))) {
            assertThat(run(command, more).status()).as("%s", more).isZero();
        }
    }

    @Test
    void storagesOfPluginsInPerlAreAskedByTheCommandItself() throws IOException, InterruptedException {
        daemon();
        Files.createDirectory(storages.adopted());
        Files.copy(Installation.legacyDirPlugin(), storages.adopted().resolve("LegacyDirPlugin.pm"));

        assertThat(ask("storage", "list")).isEqualTo(ANEW);
        assertThat(ask("volume", "list", "fast").said()).contains(VOLUME);
    }

    @Test
    void theDaemonOfAnotherBuildIsNotAsked() throws IOException, InterruptedException {
        Path copy = scratch.file("copy");
        Installation.copyTo(copy);
        DaemonProcess.launchTakingOver(scratch, copy).awaitReady();
        List<String> command = new ArrayList<>(List.of(
                "perl",
                Installation.perlShim().resolve("bin/tenon-ask").toString(),
                copy.toString(),
                DaemonProcess.socketIn(scratch).toString(),
                "",
                script.toString()));
        command.addAll(List.of(words("volume", "list", "fast")));

        assertThat(ask("volume", "list", "fast")).isEqualTo(ANEW);
        assertThat(run(command, Map.of()).said()).contains(VOLUME);
        try (Stream<Path> entries = Files.list(copy.resolve("classes"))) {
            Files.setLastModifiedTime(entries.findFirst().orElseThrow(), FileTime.fromMillis(1));
        }
        assertThat(run(command, Map.of())).isEqualTo(ANEW);
    }

    @Test
    void theDaemonOfAnotherUserIsNotAsked() throws IOException, InterruptedException {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root can become another user");
        run(List.of("chown", "-R", "65534:65534", scratch.root().toString()), Map.of());
        // Who may read what root may read, since the classes may lie in root's home.
        String capabilities = "+dac_override,+dac_read_search";
        List<String> asOther = List.of(
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "--inh-caps=" + capabilities,
                "--ambient-caps=" + capabilities);
        DaemonProcess.startBy(scratch, asOther);

        assertThat(ask("volume", "list", "fast")).isEqualTo(ANEW);
        List<String> command = new ArrayList<>(asOther);
        command.addAll(asking("volume", "list", "fast"));
        assertThat(run(command, Map.of()).said()).contains(VOLUME);
        command.set(asOther.indexOf("--clear-groups"), "--groups=1");
        assertThat(run(command, Map.of())).isEqualTo(ANEW);
    }

    @Test
    void otherMountsAreNotTheDaemons() throws IOException, InterruptedException {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root can have other mounts");
        daemon();
        List<String> command = new ArrayList<>(List.of("unshare", "--mount"));
        command.addAll(asking("volume", "list", "fast"));

        assertThat(run(command, Map.of())).isEqualTo(ANEW);
    }

    @Test
    void aDaemonThatDoesNotAnswerIsNotWaitedFor() throws IOException, InterruptedException {
        DaemonProcess daemon = daemon();
        run(List.of("kill", "-STOP", Long.toString(daemon.pid())), Map.of());
        try {
            assertThat(ask("volume", "list", "fast")).isEqualTo(ANEW);
        } finally {
            run(List.of("kill", "-CONT", Long.toString(daemon.pid())), Map.of());
        }
    }

    /** A process that asks, and is ended with the test. */
    private record Asking(Process process, Path errors) implements Closeable {
        @Override
        public void close() {
            process.destroyForcibly();
        }

        Ended awaitEnd() throws IOException, InterruptedException {
            assertThat(process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS))
                    .isTrue();
            return new Ended(
                    process.exitValue(),
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8),
                    Files.readString(errors));
        }
    }

    private Asking begin(String... words) throws IOException {
        Path errors = Files.createTempFile(scratch.root(), "errors-", ".log");
        return new Asking(start(asking(words), errors, Map.of()), errors);
    }

    /** How many threads of the daemon have this name. */
    private static long threads(DaemonProcess daemon, String name) {
        try (Stream<Path> tasks = Files.list(Path.of("/proc", Long.toString(daemon.pid()), "task"))) {
            return tasks.filter(task -> isNamed(task, name)).count();
        } catch (IOException e) {
            return 0;
        }
    }

    private static boolean isNamed(Path task, String name) {
        try {
            return Files.readString(task.resolve("comm")).strip().equals(name);
        } catch (IOException e) {
            // has ended meanwhile
            return false;
        }
    }

    private static void awaitThreads(DaemonProcess daemon, String name, long count) {
        Awaitility.await(name)
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> threads(daemon, name) == count);
    }

    @Test
    void aStorageThatHangsHoldsUpItsOwnCommandOnly() throws IOException, InterruptedException {
        HangingMount hanging = HangingMount.make(scratch);
        DaemonProcess daemon = daemon();
        String hung = hanging.path().resolve("disk.raw").toString();
        try (Asking stuck = begin("volume", "info", hung)) {
            awaitThreads(daemon, "command", 1);

            assertThat(ask("volume", "list", "fast").said()).contains(VOLUME);
            assertThat(stuck.process().isAlive()).isTrue();

            run(List.of("kill", "-INT", Long.toString(stuck.process().pid())), Map.of());
            assertThat(stuck.awaitEnd()).isEqualTo(new Ended(130, "", ""));
            hanging.close();
            awaitThreads(daemon, "command", 0);
        }
    }

    @Test
    void aStorageThatHangsIsWaitedForOnce() throws IOException, InterruptedException {
        HangingMount hanging = HangingMount.make(scratch);
        Files.writeString(storages.config(), "\ndir: hung\n\tpath " + hanging.path() + "\n", StandardOpenOption.APPEND);
        daemon();
        Ended listed = ask("volume", "list", "hung");

        assertThat(listed.status()).isEqualTo(1);
        assertThat(listed.errors()).contains("'hung'", hanging.path().toString());
    }

    @Test
    void commandsThatHangDoNotFillTheDaemon() throws IOException, InterruptedException {
        HangingMount hanging = HangingMount.make(scratch);
        DaemonProcess daemon = daemon();
        String hung = hanging.path().resolve("disk.raw").toString();
        List<Asking> stuck = new ArrayList<>();
        try {
            for (int i = 1; i <= 8; i++) {
                stuck.add(begin("volume", "info", hung));
                awaitThreads(daemon, "command", i);
            }
            assertThat(ask("volume", "list", "fast")).isEqualTo(ANEW);
        } finally {
            stuck.forEach(Asking::close);
        }
        hanging.close();
        awaitThreads(daemon, "command", 0);
        assertThat(ask("volume", "list", "fast").said()).contains(VOLUME);
    }

    @Test
    void whenTheDaemonDiesTheCommandIsStartedAnew() throws IOException, InterruptedException {
        HangingMount hanging = HangingMount.make(scratch);
        DaemonProcess daemon = daemon();
        try (Asking stuck =
                begin("volume", "info", hanging.path().resolve("disk.raw").toString())) {
            awaitThreads(daemon, "command", 1);
            // A thread in the kernel keeps a killed process until it is answered.
            run(List.of("kill", "-KILL", Long.toString(daemon.pid())), Map.of());
            hanging.close();
            daemon.awaitEnd();
            assertThat(stuck.awaitEnd()).isEqualTo(ANEW);
        }
    }
}
