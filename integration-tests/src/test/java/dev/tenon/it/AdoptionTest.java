package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A plugin moves behind the daemon, works there as before, and comes back. */
class AdoptionTest {
    private @Nullable Path custom;
    private @Nullable Path state;
    private @Nullable Path file;

    @BeforeEach
    void anInstalledPlugin(Scratch scratch) throws IOException {
        Path directory = Files.createDirectories(scratch.file("custom"));
        custom = directory;
        state = scratch.file("adopted");
        file = Files.copy(Installation.legacyDirPlugin(), directory.resolve("LegacyDirPlugin.pm"));
        Files.setPosixFilePermissions(path(file), PosixFilePermissions.fromString("rw-r-----"));
    }

    private static Path path(@Nullable Path path) {
        return Objects.requireNonNull(path);
    }

    private TenonCommand adopt(Scratch scratch) {
        return TenonCommand.run(
                scratch,
                "adopt",
                "--state",
                path(state).toString(),
                "--socket",
                DaemonProcess.socketIn(scratch).toString(),
                path(file).toString());
    }

    private TenonCommand release(Scratch scratch, String name) {
        return TenonCommand.run(scratch, "release", "--state", path(state).toString(), name);
    }

    private DaemonProcess serve(Scratch scratch) {
        return DaemonProcess.startWith(scratch, List.of("--adopted", path(state).toString()));
    }

    /** A host with the storages {@code fast} (adopted), {@code java} (native) and, on real libraries, {@code plain}. */
    private PerlProgram host(Scratch scratch, Path... files) throws IOException {
        Map<String, Object> ids = new LinkedHashMap<>();
        ids.put("fast", storage("legacydir", Files.createDirectories(scratch.file("fast"))));
        ids.put("java", storage("tenondir", Files.createDirectories(scratch.file("java"))));
        if (Installation.pveLibrary() != null) {
            ids.put("plain", storage("dir", Files.createDirectories(scratch.file("plain"))));
        }
        PerlProgram program = PerlProgram.start(
                scratch,
                List.of(),
                Installation.resource("perl/pve-host.pl"),
                Arrays.stream(files).map(Path::toString).toArray(String[]::new));
        program.say(JSON.std.asString(ids));
        return program;
    }

    private static Map<String, Object> storage(String type, Path path) {
        return Map.of("type", type, "path", path.toString(), "content", Map.of("images", 1));
    }

    private static Map<String, Object> step(PerlProgram host, @Nullable Object... words) throws IOException {
        host.say(JSON.std.asString(Arrays.asList(words)));
        return JSON.std.mapFrom(host.line());
    }

    @Test
    void aPluginComesBackToTheByteWithItsMode(Scratch scratch) throws IOException {
        byte[] before = Files.readAllBytes(path(file));

        TenonCommand adopted = adopt(scratch);
        assertThat(adopted.errors()).isEmpty();
        assertThat(adopted.status()).isZero();
        assertThat(adopted.said()).contains("storage type 'legacydir' is adopted");
        assertThat(Files.readString(path(file))).contains("# Made by Tenon").doesNotContain("qemu-img");
        assertThat(Files.readAllBytes(path(state).resolve("LegacyDirPlugin.pm")))
                .isEqualTo(before);

        TenonCommand released = release(scratch, "LegacyDirPlugin.pm");
        assertThat(released.errors()).isEmpty();
        assertThat(released.status()).isZero();
        assertThat(Files.readAllBytes(path(file))).isEqualTo(before);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path(file))))
                .isEqualTo("rw-r-----");
        assertThat(path(state)).isEmptyDirectory();
        assertThat(path(custom)).isDirectoryContaining("glob:**/LegacyDirPlugin.pm");
        try (var files = Files.list(path(custom))) {
            assertThat(files).hasSize(1);
        }
    }

    @Test
    void whatIsNoPluginOrOneAlreadyIsRefusedAndNothingIsDone(Scratch scratch) throws IOException {
        adopt(scratch);
        String proxy = Files.readString(path(file));

        TenonCommand again = adopt(scratch);
        assertThat(again.status()).isOne();
        assertThat(again.errors()).isEqualTo("tenon: '" + file + "' is a proxy of Tenon already; nothing was done\n");

        Files.writeString(path(file), "package Other;\n1;\n");
        TenonCommand refused = release(scratch, "LegacyDirPlugin.pm");
        assertThat(refused.status()).isOne();
        assertThat(refused.errors()).contains("'" + file + "' is no proxy of Tenon, but another file");
        assertThat(Files.readString(path(file))).isEqualTo("package Other;\n1;\n");

        Files.writeString(path(file), proxy);
        assertThat(release(scratch, "NasPlugin.pm").errors())
                .isEqualTo("tenon: 'NasPlugin.pm' is not adopted; adopted are [LegacyDirPlugin.pm]\n");

        Path text = Files.writeString(path(custom).resolve("Text.pm"), "no plugin\n");
        TenonCommand none =
                TenonCommand.run(scratch, "adopt", "--state", path(state).toString(), text.toString());
        assertThat(none.status()).isOne();
        assertThat(none.errors()).contains("declares no package");
        assertThat(Files.readString(text)).isEqualTo("no plugin\n");
    }

    @Test
    void aDaemonThatCannotReadWhatIsAdoptedEnds(Scratch scratch) throws IOException, InterruptedException {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root can give up what root may do");
        adopt(scratch);
        Files.setPosixFilePermissions(path(state), PosixFilePermissions.fromString("-wx------"));
        String rights = "-dac_override,-dac_read_search";
        List<String> command = new ArrayList<>(List.of("setpriv", "--inh-caps", rights, "--bounding-set", rights));
        command.addAll(Installation.tenonCommand(
                scratch.temporary(),
                "serve",
                "--socket",
                DaemonProcess.socketIn(scratch).toString(),
                "--adopted",
                path(state).toString(),
                "--journal",
                scratch.file("journal").toString()));
        Path log = scratch.file("serve.log");
        Process daemon = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertThat(daemon.waitFor(60, TimeUnit.SECONDS)).as("it has ended").isTrue();
            assertThat(daemon.exitValue()).isOne();
            assertThat(Files.readString(log)).isEqualTo("tenon: '" + path(state) + "': Permission denied\n");
        } finally {
            daemon.destroyForcibly();
            Files.setPosixFilePermissions(path(state), PosixFilePermissions.fromString("rwx------"));
        }
    }

    @Test
    void anAdoptionThatWasCutOffBeforeTheProxyIsRepeated(Scratch scratch) throws IOException {
        byte[] before = Files.readAllBytes(path(file));
        adopt(scratch);
        Files.write(path(file), before);

        TenonCommand again = adopt(scratch);
        assertThat(again.errors()).isEmpty();
        assertThat(again.status()).isZero();
        assertThat(Files.readString(path(file))).contains("# Made by Tenon");
        assertThat(release(scratch, "LegacyDirPlugin.pm").errors()).isEmpty();
        assertThat(Files.readAllBytes(path(file))).isEqualTo(before);
        assertThat(path(state)).isEmptyDirectory();
    }

    @Test
    void aPluginThatAnUpdateOfItsPackageWroteIsAdoptedOrLeftAsTheAdministratorSays(Scratch scratch) throws IOException {
        String old = Files.readString(path(file));
        adopt(scratch);
        String updated = old + "# version 2\n";
        Files.writeString(path(file), updated);
        Path kept = path(state).resolve("LegacyDirPlugin.pm");

        for (TenonCommand refused : List.of(adopt(scratch), release(scratch, "LegacyDirPlugin.pm"))) {
            assertThat(refused.status()).isOne();
            assertThat(refused.errors())
                    .contains("update", "tenon adopt --replace " + file, "tenon release --leave LegacyDirPlugin.pm");
            assertThat(Files.readString(path(file))).isEqualTo(updated);
            assertThat(Files.readString(kept)).isEqualTo(old);
        }

        TenonCommand replaced = TenonCommand.run(
                scratch,
                "adopt",
                "--replace",
                "--state",
                path(state).toString(),
                path(file).toString());
        assertThat(replaced.errors()).isEmpty();
        assertThat(Files.readString(path(file))).contains("# Made by Tenon");
        assertThat(Files.readString(kept)).isEqualTo(updated);
        assertThat(Files.readString(path(state).resolve("LegacyDirPlugin.pm.previous")))
                .isEqualTo(old);
        TenonCommand leave = TenonCommand.run(
                scratch, "release", "--leave", "--state", path(state).toString(), "LegacyDirPlugin.pm");
        assertThat(leave.errors()).contains("is a proxy of Tenon, which needs the plugin");

        Files.writeString(path(file), updated + "# version 3\n");
        TenonCommand left = TenonCommand.run(
                scratch, "release", "--leave", "--state", path(state).toString(), "LegacyDirPlugin.pm");
        assertThat(left.errors()).isEmpty();
        assertThat(left.said()).contains("PVE loads what is in its place");
        assertThat(Files.readString(path(file))).endsWith("# version 3\n");
        assertThat(path(state)).isEmptyDirectory();
    }

    @Test
    void aPluginThatIsAdoptedWithOneProcessGetsNoMore(Scratch scratch) throws IOException {
        Files.writeString(path(file), Files.readString(path(file)).replace("\n1;\n", """

                        use IO::Socket::INET;
                        our $listening = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die;

                        1;
                        """));
        TenonCommand noted = adopt(scratch);
        assertThat(noted.errors()).isEmpty();
        assertThat(noted.said())
                .contains("note: while it is being loaded it opens or starts a socket that listens at 127.0.0.1:")
                .contains("write 1 into '" + path(state).resolve("LegacyDirPlugin.pm.members") + "'");
        assertThat(release(scratch, "LegacyDirPlugin.pm").status()).isZero();

        TenonCommand adopted = TenonCommand.run(
                scratch,
                "adopt",
                "--members",
                "1",
                "--state",
                path(state).toString(),
                path(file).toString());
        assertThat(adopted.errors()).isEmpty();
        assertThat(adopted.said()).doesNotContain("note:");
        try (DaemonProcess daemon = serve(scratch)) {
            assertThat(daemon.sidecars()).hasSize(1);
            assertThat(TenonCommand.run(
                                    scratch,
                                    "status",
                                    "--json",
                                    "--socket",
                                    daemon.socket().toString())
                            .said())
                    .containsPattern("\"most\" : 1\\b");
        }
        Path members = Files.writeString(path(state).resolve("LegacyDirPlugin.pm.members"), "few\n");
        try (DaemonProcess daemon = serve(scratch)) {
            assertThat(daemon.log())
                    .contains("event=adopted-not-served")
                    .contains("'" + members + "' says 'few', which is no number of processes");
        }
        assertThat(release(scratch, "LegacyDirPlugin.pm").status()).isZero();
        assertThat(path(state)).isEmptyDirectory();
    }

    @Test
    void anAdoptedPluginWhoseTypeIsTakenDoesNotKeepTheDaemonFromStarting(Scratch scratch) throws IOException {
        assertThat(adopt(scratch).status()).isZero();
        Files.copy(path(state).resolve("LegacyDirPlugin.pm"), path(state).resolve("TheSamePlugin.pm"));

        try (DaemonProcess daemon = serve(scratch)) {
            assertThat(daemon.log()).contains("event=adopted-not-served", "which is answered for already");
            assertThat(daemon.isAlive()).isTrue();
        }
    }

    @Test
    void anAdoptedPluginAnswersForItsTypeThoughTenonHasOneOfThatName(Scratch scratch) throws IOException {
        Files.writeString(path(file), Files.readString(path(file)).replace("return 'legacydir'", "return 'storpool'"));
        assertThat(adopt(scratch).status()).isZero();
        DaemonProcess daemon = serve(scratch);
        assertThat(daemon.log()).doesNotContain("adopted-not-served");

        Map<String, Object> scfg =
                Map.of("type", "storpool", "path", scratch.storage().toString());
        PerlCaller host = PerlCaller.start(scratch).calling("storpool");
        assertThat(host.list("path", scfg, "100/vm-100-disk-0.raw", "sp").list().getFirst())
                .isEqualTo(scratch.storage() + "/images/100/vm-100-disk-0.raw");
        assertThat(daemon.sidecars()).isNotEmpty();
    }

    /** PVE's web server reads the configuration as another user, and checks it with the plugin's own code. */
    @Test
    void anAdoptedPluginIsReadByAnotherUserWhateverTheUmaskWas(Scratch scratch) throws IOException {
        assumeTrue(Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid")), "needs root");
        Path tenon = scratch.file("tenon");
        Path kept = tenon.resolve("adopted");
        String source = Files.readString(path(file)).replace("\n1;\n", """

                sub check_config {
                    my ($class, $storeid, $config, @more) = @_;
                    return $class->SUPER::check_config($storeid, { %$config, 'content' => 'images' }, @more);
                }

                1;
                """);
        Files.writeString(path(file), source);
        Files.setPosixFilePermissions(path(file), PosixFilePermissions.fromString("rw-r--r--"));
        Path java = path(custom).resolve("TenonDir.pm");
        for (List<String> command : List.of(
                List.of("volume", "alloc", "java", "--help"),
                List.of("proxy", "dir", "--output", java.toString()),
                List.of("adopt", "--state", kept.toString(), path(file).toString()))) {
            assertThat(secretive(scratch, command)).isZero();
        }
        assertThat(modeOf(java)).isEqualTo("rw-r--r--");
        assertThat(modeOf(tenon)).isEqualTo("rwxr-xr-x");
        assertThat(modeOf(kept)).isEqualTo("rwxr-xr-x");
        assertThat(modeOf(kept.resolve("LegacyDirPlugin.pm"))).isEqualTo("rw-r--r--");

        // Made by a journalled operation, as it once was.
        Files.setPosixFilePermissions(tenon, PosixFilePermissions.fromString("rwx------"));
        Files.setPosixFilePermissions(kept, PosixFilePermissions.fromString("rwx------"));
        DaemonProcess.launchAt(
                        scratch,
                        DaemonProcess.socketIn(scratch),
                        tenon.resolve("journal"),
                        List.of("--adopted", kept.toString()))
                .awaitReady();
        assertThat(modeOf(tenon)).isEqualTo("rwxr-xr-x");
        assertThat(modeOf(kept)).isEqualTo("rwxr-xr-x");
    }

    private static String modeOf(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    private static int secretive(Scratch scratch, List<String> arguments) {
        List<String> command = new java.util.ArrayList<>(List.of("sh", "-c", "umask 077; exec \"$@\"", "sh"));
        command.addAll(Installation.tenonCommand(scratch.temporary(), arguments.toArray(String[]::new)));
        try {
            return new ProcessBuilder(command).inheritIO().start().waitFor();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aProxyLoadsAndDescribesItselfWithoutTheDaemonAndWithoutTenon(Scratch scratch) throws IOException {
        Map<String, Object> original = described(scratch, path(file));
        adopt(scratch);
        Map<String, Object> proxy = described(scratch, path(file));

        assertThat(proxy).isEqualTo(original);
        assertThat(proxy.get("errors")).isEqualTo("");
    }

    /** What a class says of itself under -T, in a Perl that does not know where Tenon is. */
    private static Map<String, Object> described(Scratch scratch, Path plugin) throws IOException {
        PerlProgram program =
                PerlProgram.run(scratch, List.of("-T"), Installation.resource("perl/describe.pl"), plugin.toString());
        Map<String, Object> described = new LinkedHashMap<>(JSON.std.mapFrom(program.said()));
        described.put("errors", program.errors());
        return described;
    }

    @Test
    void aNameIsParsedByThePluginsOwnCodeWithoutTheDaemon(Scratch scratch) throws IOException {
        adopt(scratch);
        PerlProgram program = PerlProgram.run(
                scratch,
                List.of(),
                Installation.resource("perl/parse.pl"),
                path(file).toString());

        assertThat(program.said()).isEqualTo("""
                        images,vm-100-disk-0.qcow2,100,,,,qcow2
                        unable to parse directory volume name 'nonsense'
                        """);
    }

    @Test
    void callsThatNeedTheDaemonFailAtOnceAndClearlyWhenItIsGone(Scratch scratch) throws IOException {
        assumeTrue(Installation.pveLibrary() != null, "needs PVE's own libraries: set TENON_PVE_LIB");
        adopt(scratch);
        Path java = proxyOfDir(scratch);
        DaemonProcess daemon = serve(scratch);
        PerlProgram host = host(scratch, path(file), java);
        assertThat(step(host, "vdisk_alloc", "fast", 100, "raw", null, 1024))
                .containsEntry("result", "fast:100/vm-100-disk-0.raw");

        daemon.kill();

        assertThat(step(host, "vdisk_alloc", "fast", 100, "raw", null, 1024).get("error"))
                .asString()
                .contains("nobody answers at the socket");
        assertThat(step(host, "vdisk_alloc", "plain", 100, "raw", null, 1024))
                .containsEntry("result", "plain:100/vm-100-disk-0.raw");
        Map<?, ?> info =
                (Map<?, ?>) Objects.requireNonNull(step(host, "storage_info").get("result"));
        assertThat(((Map<?, ?>) Objects.requireNonNull(info.get("plain"))).get("active"))
                .isEqualTo(1);
        assertThat(((Map<?, ?>) Objects.requireNonNull(info.get("fast"))).get("active"))
                .isEqualTo(0);
    }

    @Test
    void pvesOwnFunctionsWorkOnAnAdoptedPluginAndOnAStorageInJava(Scratch scratch) throws IOException {
        assumeTrue(Installation.pveLibrary() != null, "needs PVE's own libraries: set TENON_PVE_LIB");
        adopt(scratch);
        Path java = proxyOfDir(scratch);
        serve(scratch);
        PerlProgram host = host(scratch, path(file), java);

        for (String storage : List.of("fast", "java")) {
            String first = storage + ":100/vm-100-disk-0.qcow2";
            String renamed = storage + ":101/vm-101-disk-0.qcow2";
            Map<?, ?> info = (Map<?, ?>)
                    Objects.requireNonNull(step(host, "storage_info").get("result"));
            assertThat(((Map<?, ?>) Objects.requireNonNull(info.get(storage))).get("active"))
                    .isEqualTo(1);
            assertThat(step(host, "vdisk_alloc", storage, 100, "qcow2", null, 4096))
                    .containsEntry("result", first);
            assertThat(step(host, "vdisk_list", storage).get("result"))
                    .asString()
                    .contains("volid=" + first, "size=4194304");
            assertThat(step(host, "volume_snapshot", first, "one")).containsEntry("result", null);
            assertThat(step(host, "volume_snapshot_info", first).get("result"))
                    .asString()
                    .startsWith("{one={");
            assertThat(step(host, "volume_has_feature", "snapshot", first)).containsEntry("result", 1);
            assertThat(step(host, "volume_snapshot_delete", first, "one")).doesNotContainKey("error");
            assertThat(step(host, "volume_resize", first, 8 << 20, 0)).doesNotContainKey("error");
            assertThat(step(host, "volume_size_info", first)).containsEntry("result", 8 << 20);
            assertThat(step(host, "rename_volume", first, 101)).containsEntry("result", renamed);
            assertThat(step(host, "vdisk_free", renamed)).doesNotContainKey("error");
            assertThat(step(host, "vdisk_list", storage)).containsEntry("result", Map.of(storage, List.of()));
        }
        assertThat(host.errors()).doesNotContain("Tenon", "tenon");
    }

    private Path proxyOfDir(Scratch scratch) {
        Path proxy = path(custom).resolve("TenonDir.pm");
        TenonCommand command = TenonCommand.run(
                scratch,
                "proxy",
                "dir",
                "--socket",
                DaemonProcess.socketIn(scratch).toString(),
                "--output",
                proxy.toString());
        assertThat(command.errors()).isEmpty();
        return proxy;
    }

    @Test
    void eightWorkersThatForkedCallAtOnceAndEachGetsItsOwnAnswers(Scratch scratch) throws IOException {
        adopt(scratch);
        serve(scratch);
        Path storage = Files.createDirectories(scratch.file("fast"));

        PerlProgram program = PerlProgram.run(
                scratch,
                List.of(),
                Installation.resource("perl/workers.pl"),
                path(file).toString(),
                storage.toString());

        assertThat(program.errors()).isEmpty();
        assertThat(program.said().lines())
                .filteredOn(line -> line.startsWith("worker"))
                .hasSize(8)
                .allMatch(line -> line.endsWith(" 200 right, 0 wrong"));
        assertThat(program.said()).endsWith("left: 0\n");
    }

    @Test
    void aStatusDaemonIsAnsweredFromTheCacheWhileTheStorageHangs(Scratch scratch) throws IOException {
        file = Files.copy(Installation.plugin("HangingPlugin.pm"), path(custom).resolve("HangingPlugin.pm"));
        TenonCommand adopted = adopt(scratch);
        assertThat(adopted.errors()).isEmpty();
        serve(scratch);
        Path storage = Files.createDirectories(scratch.file("hanging"));

        PerlProgram program = PerlProgram.run(
                scratch,
                List.of(),
                Installation.resource("perl/polls.pl"),
                path(file).toString(),
                storage.toString());

        assertThat(program.errors()).isEmpty();
        assertThat(program.said().lines().toList()).containsExactly("8 polls active, 0 not, none took 2 s");
    }
}
