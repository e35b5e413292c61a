package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The start scripts where little is as usual: no home, no network, no programs, a root that is no mount point. */
class StartScriptsTest {
    private static final String LIBRARY = Installation.home() + "/bin/lib.sh";

    private Scratch scratch;

    @BeforeEach
    void takeScratch(Scratch given) {
        scratch = given;
    }

    private record Ended(int status, String said, String errors) {}

    private Ended run(List<String> command) throws IOException, InterruptedException {
        Path errors = Files.createTempFile(scratch.root(), "errors-", ".log");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectInput(new File("/dev/null")).redirectError(errors.toFile());
        builder.environment().keySet().removeAll(List.of("HOME", "TENON_JAVA_HOME"));
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("TENON_LOCK_DIR", scratch.file("lock").toString());
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), said, Files.readString(errors));
    }

    /** Without the colours that Maven's start script sets. */
    private static String plain(String text) {
        return text.replaceAll("\u001b\\[[0-9;]*m", "").strip();
    }

    private static boolean isRoot() throws IOException {
        return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
    }

    @Test
    void theyNeedNoHome() throws IOException, InterruptedException {
        Ended found = run(List.of(Installation.home() + "/bin/jdk25"));

        assertThat(found.errors()).isEmpty();
        assertThat(found.said().strip()).isEqualTo(System.getProperty("java.home"));
    }

    @Test
    void aProgramIsMissingThoughTheShellHasACommandOfItsName() throws IOException, InterruptedException {
        Ended missing = run(List.of(
                "bash",
                "-c",
                ". \"$0\"; mkdir \"$1\"; ln -s \"$(type -P sort)\" \"$1\"; PATH=$1; missing_packages kill=procps sort=coreutils",
                LIBRARY,
                scratch.file("bin").toString()));
        assertThat(missing.errors()).isEmpty();
        assertThat(missing.said()).isEqualTo("procps\n");
    }

    /** A build takes minutes, with tests more, and somebody goes on writing. */
    @Test
    void whatChangesDuringABuildIsNotTakenForBuiltNorIsWhatFailsToBuild() throws IOException, InterruptedException {
        Ended ended = run(
                List.of("bash", "-euc", """
                . "$0"
                mkdir "$1"
                cd "$1"
                build_while_a_source_changes() {
                    echo >before
                    until [ -n "$(find . -name source -newer before)" ]; do echo >source; done
                }
                stamped target/built build_while_a_source_changes
                find . -name source -newer target/built
                date -r target/built +%s.%N >first
                stamped target/built false || echo failed
                date -r target/built +%s.%N | cmp - first
                ls target
                """, LIBRARY, scratch.file("checkout").toString()));
        assertThat(ended.errors()).isEmpty();
        assertThat(ended.said()).isEqualTo("./source\nfailed\nbuilt\n");
        assertThat(ended.status()).isZero();
    }

    /** In cron, or without a locale over ssh, it is ASCII. */
    @ParameterizedTest
    @ValueSource(strings = {"C", "POSIX", "de_DE.ISO-8859-1", "xx_XX.UTF-8"})
    void textIsUtf8WhateverTheLocaleIs(String locale) throws IOException, InterruptedException {
        String name = "vzdump-qemu-100-2026_01_02-03_04_05.vma.zst";
        Path dump = Files.createDirectories(scratch.storage().resolve("dump"));
        Files.writeString(dump.resolve(name), "a backup");
        StorageCommands storages = StorageCommands.withDirectory(scratch, "fast");
        for (List<String> more : List.of(List.of("--set", "gr\u00fcn \u20ac \ud83d\ude00"), List.<String>of())) {
            List<String> words = new ArrayList<>(List.of("volume", "notes", "fast:backup/" + name));
            words.addAll(more);
            words.addAll(storages.options());
            List<String> command = new ArrayList<>(
                    List.of("env", "LC_ALL=" + locale, "bash", "-c", ". \"$0\"; take_utf8; exec \"$@\"", LIBRARY));
            command.addAll(Installation.tenonCommand(scratch.temporary(), words.toArray(String[]::new)));
            Ended ended = run(command);
            assertThat(ended.status()).as(ended.errors()).isZero();
            assertThat(ended.said()).isEqualTo(more.isEmpty() ? "gr\u00fcn \u20ac \ud83d\ude00\n" : "");
            assertThat(Files.readString(dump.resolve(name + ".notes"))).isEqualTo("gr\u00fcn \u20ac \ud83d\ude00");
        }
        assertThat(Files.readString(Path.of(Installation.home() + "/bin/jvm.sh")))
                .contains("    take_utf8\n    exec ");
    }

    @Test
    void aModeOfVerifyThatDoesNotExistIsRefused() throws IOException, InterruptedException {
        Ended refused = run(List.of(Installation.home() + "/bin/verify", "fast"));

        assertThat(refused.status()).isOne();
        assertThat(refused.errors())
                .isEqualTo("tenon: there is no mode 'fast'; there are usual (the default), full, quick and releases\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"2", "1.5G", "0M", "2T"})
    void memoryThatAGuestCannotHaveIsRefused(String memory) throws IOException, InterruptedException {
        Ended refused = run(List.of(Installation.home() + "/bin/guest", "--memory", memory, "true"));

        assertThat(refused.status()).isOne();
        assertThat(refused.errors())
                .isEqualTo("tenon: bin/guest: the memory is a size like 1024M or 2G, not '" + memory + "'\n");
    }

    @Test
    void aRepositoryThatCannotBeReachedIsToldInOneSentence() throws IOException, InterruptedException {
        assumeTrue(isRoot(), "only root can take the network away");
        Ended ended = run(List.of(
                "unshare",
                "--net",
                "bash",
                "-c",
                ". \"$0\"; maven -q -Dmaven.repo.local=\"$1\" validate",
                LIBRARY,
                scratch.file("repository").toString()));

        assertThat(ended.status()).isOne();
        assertThat(plain(ended.errors())).isEmpty();
        assertThat(plain(ended.said()))
                .matches(
                        "tenon: \\S+ cannot be brought from central \\(https://\\S+\\): [^\n]+; a first build needs this"
                                + " repository, or Maven settings \\(~/.m2/settings.xml\\) with a mirror of it");
    }

    /** Runs it where the root is no mount point, with all but {@code /srv} of this machine. */
    private Ended runInBareRoot(List<String> words) throws IOException, InterruptedException {
        assumeTrue(isRoot(), "only root can change its root directory");
        List<String> command = new ArrayList<>(List.of(
                "unshare",
                "--mount",
                "--propagation",
                "unchanged",
                "bash",
                "-euc",
                """
                # where the root is a mount point, others must not see what is mounted
                mount --make-rprivate / 2>/dev/null || true
                mkdir "$0"
                for entry in /*; do
                    if [ -L "$entry" ]; then cp -d "$entry" "$0"; continue; fi
                    [ -d "$entry" ] || continue
                    mkdir "$0$entry"
                    [ "$entry" = /srv ] || mount --rbind "$entry" "$0$entry"
                done
                exec chroot "$0" "$@"
                """,
                scratch.file("root").toString()));
        command.addAll(words);
        return run(command);
    }

    @Test
    void aRootThatIsNoMountPointHasStorages() throws IOException, InterruptedException {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        // In the root itself, whose mount point is outside of what can be seen.
        tenon.write("dir: fast\n\tpath /srv\n\tcontent images\n\n");

        Ended ended =
                runInBareRoot(Installation.tenonCommand(scratch.temporary(), tenon.all("storage", "status", "--json")));

        // Not every machine has the directory of the storage that is always there.
        assertThat(ended.errors().lines())
                .filteredOn(line -> !line.contains("'/var/lib/vz' does not exist"))
                .isEmpty();
        assertThat(ended.said())
                .containsPattern("\"storage\" : \"fast\",\\s+\"type\" : \"dir\",\\s+\"status\" : \"active\"");
    }

    @Test
    void aRootThatIsNoMountPointIsNoPlaceForTheIdsOfAContainer() throws IOException, InterruptedException {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        tenon.said(
                "storage",
                "add",
                "tenonbackup",
                "vault",
                "--path",
                scratch.file("vault").toString());
        Path files = Files.createDirectory(scratch.file("container"));
        Files.setAttribute(files, "unix:uid", 100_000);
        Path config = Files.writeString(scratch.file("guest.conf"), "memory: 512\n");

        Ended ended = runInBareRoot(Installation.tenonCommand(
                scratch.temporary(),
                tenon.all(
                        "backup",
                        "create",
                        "--storage",
                        "vault",
                        "--vmid",
                        "100",
                        "--container",
                        files.toString(),
                        "--guest-config",
                        config.toString())));

        assertThat(ended.status()).isOne();
        assertThat(ended.errors())
                .contains("'/' is no mount point here, as after chroot", "back it up from outside of the chroot");
    }
}
