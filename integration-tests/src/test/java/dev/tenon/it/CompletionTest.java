package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What bash completes with the script that the command prints. */
class CompletionTest {
    /** Completes a line as readline does: words are taken apart at blanks and colons. */
    private static final String BASH = """
            # Only a completion that readline asked for may set options.
            compopt() { :; }
            source "$1"
            COMP_LINE=$2
            COMP_POINT=${#COMP_LINE}
            COMP_WORDS=()
            shape='^ *([^ :=]+|[:=]+)(.*)$'
            line=$COMP_LINE
            while [[ $line =~ $shape ]]; do
                COMP_WORDS+=("${BASH_REMATCH[1]}")
                line=${BASH_REMATCH[2]}
            done
            [[ $COMP_LINE != *" " ]] || COMP_WORDS+=("")
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            COMPREPLY=()
            function=$(complete -p tenon | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
            "$function" tenon "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """;

    /** As zsh calls a function of completion, which says by compadd what completes the word. */
    private static final String ZSH = """
            compadd() { shift; print -l -- "$@" }
            _files() { print files }
            script=$1
            words=(${(z)2})
            [[ $2 != *' ' ]] || words+=('')
            CURRENT=$#words
            _tenon() { source $script }
            _tenon
            """;

    private static List<String> completed(Scratch scratch, Path script, String line) {
        return completed(scratch, List.of("bash", "--norc", "-c", BASH, "bash", script.toString(), line));
    }

    private static List<String> completed(Scratch scratch, List<String> shell) {
        try {
            ProcessBuilder builder = new ProcessBuilder(shell)
                    .redirectInput(new File("/dev/null"))
                    .redirectError(scratch.file("bash-errors").toFile());
            builder.environment().put("XDG_CACHE_HOME", scratch.file("cache").toString());
            Process bash = builder.start();
            String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(bash.waitFor()).isZero();
            assertThat(scratch.file("bash-errors")).isEmptyFile();
            return said.lines()
                    .filter(word -> !word.isBlank())
                    .map(String::strip)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private Path program(Scratch scratch) throws IOException {
        String command = Installation.tenonCommand(scratch.temporary()).stream()
                .map(word -> "'" + word + "'")
                .collect(Collectors.joining(" "));
        Path program = Files.writeString(
                scratch.file("tenon"),
                "#!/bin/sh\nTENON_LOCK_DIR='" + scratch.file("lock") + "' exec " + command + " \"$@\"\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
        return program;
    }

    private static Path script(Scratch scratch, String... words) throws IOException {
        TenonCommand completion = TenonCommand.run(scratch, words);
        assertThat(completion.errors()).isEmpty();
        assertThat(completion.status()).isZero();
        return Files.writeString(scratch.file("completion"), completion.said());
    }

    @Test
    void commandsOptionsStoragesAndVolumesAreCompleted(Scratch scratch) throws IOException {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        String image = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "1M");
        Path program = program(scratch);
        Path script = script(scratch, "completion");
        String options = String.join(" ", tenon.options()) + " ";
        String start = program + " ";

        assertThat(completed(scratch, script, "tenon vol")).containsExactly("volume");
        assertThat(completed(scratch, script, "tenon volume re")).containsExactlyInAnyOrder("rename", "resize");
        assertThat(completed(scratch, script, "tenon volume clone --fu")).containsExactly("--full");
        assertThat(completed(scratch, script, start + "volume free " + options)).containsExactly(image);

        // From here on nothing is there that a JVM could be started by.
        Files.writeString(program, "#!/bin/sh\nexit 1\n");
        assertThat(completed(scratch, script, start + "storage status " + options + "f"))
                .containsExactly("fast");
        assertThat(completed(scratch, script, start + "volume free " + options)).containsExactly(image);
        assertThat(completed(scratch, script, start + "volume free " + options + image + " fast:100/vm-"))
                .containsExactly("100/vm-100-disk-0.raw");
        assertThat(completed(scratch, script, start + "volume path " + options + "fast:100/vm-"))
                .containsExactly("100/vm-100-disk-0.raw");
        assertThat(completed(scratch, script, start + "volume clone " + options + image + " --full --storage f"))
                .containsExactly("fast");
        assertThat(completed(scratch, script, start + "volume alloc " + options + "f"))
                .containsExactly("fast");
        assertThat(completed(scratch, script, start + "volume alloc fast --format "))
                .contains("raw", "qcow2", "vmdk");
        assertThat(completed(scratch, script, start + "volume list fast --content i"))
                .containsExactlyInAnyOrder("images", "iso", "import");
        assertThat(completed(scratch, script, start + "export " + options)).containsExactly(image);
        assertThat(completed(scratch, script, start + "export --checksum " + options + "fast:100/vm-"))
                .containsExactly("100/vm-100-disk-0.raw");
        assertThat(completed(scratch, script, start + "import " + options + "f"))
                .containsExactly("fast:");
        assertThat(completed(scratch, script, "tenon export --all")).isEmpty();
        assertThat(completed(scratch, script, "tenon import --all")).containsExactly("--allow-rename");
        assertThat(completed(scratch, script, start + "volume free " + options + "slow:"))
                .isEmpty();
        assertThat(completed(scratch, script, "tenon storage add n")).containsExactly("nfs");
        assertThat(completed(scratch, script, "tenon storage add nfs nas --ser"))
                .containsExactly("--server");
        assertThat(completed(scratch, script, start + "storage set fast " + options + "--prea"))
                .containsExactly("--preallocation");
        assertThat(completed(scratch, script, start + "storage set fast " + options + "--delete is_"))
                .containsExactly("is_mountpoint");
        assertThat(completed(scratch, script, "tenon storage list --js")).containsExactly("--json");
    }

    @Test
    void volumesAreAskedForAgainBehindThoseOfTheLastTime(Scratch scratch) throws IOException {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        Path script = script(scratch, "completion");
        Path listed = Files.writeString(scratch.file("listed"), "fast:100/vm-100-disk-0.raw\n");
        Path program = Files.writeString(scratch.file("tenon"), "#!/bin/sh\ncat '" + listed + "'\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
        String line = program + " volume free " + String.join(" ", tenon.options()) + " ";
        assertThat(completed(scratch, script, line)).containsExactly("fast:100/vm-100-disk-0.raw");
        Path cache = Scratch.files(scratch.file("cache")).stream()
                .filter(file -> !file.endsWith(".lock"))
                .map(Path::of)
                .findFirst()
                .orElseThrow();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cache)))
                .isEqualTo("rw-------");

        Files.writeString(listed, "fast:100/vm-100-disk-1.raw\n");
        Files.writeString(cache, "1000000000\nfast:100/vm-100-disk-0.raw\n");
        assertThat(completed(scratch, script, line)).containsExactly("fast:100/vm-100-disk-0.raw");

        await().atMost(Duration.ofSeconds(60))
                .untilAsserted(() -> assertThat(cache).content().contains("vm-100-disk-1.raw"));
        assertThat(completed(scratch, script, line)).containsExactly("fast:100/vm-100-disk-1.raw");
    }

    @Test
    void zshLetsBashComplete(Scratch scratch) throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/zsh")), "zsh is not installed");
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        Path script = script(scratch, "completion", "--zsh");
        String options = String.join(" ", tenon.options()) + " ";

        assertThat(zsh(scratch, script, "tenon vol")).containsExactly("volume");
        assertThat(zsh(scratch, script, "tenon volume re")).containsExactlyInAnyOrder("rename", "resize");
        assertThat(zsh(scratch, script, "tenon storage status " + options + "f"))
                .containsExactly("fast");
        assertThat(zsh(scratch, script, "tenon storage add nfs nas --ser")).containsExactly("--server");
        assertThat(zsh(scratch, script, "tenon volume clone x:1/a --format q")).containsExactly("qcow2");
        String stream = Files.createFile(scratch.file("stream-of-x")).toString();
        assertThat(zsh(scratch, script, "tenon export x:1/a " + scratch.root() + "/stream-"))
                .isIn(List.of(stream), List.of("files"));
    }

    private static List<String> zsh(Scratch scratch, Path script, String line) {
        return completed(scratch, List.of("zsh", "-f", "-c", ZSH, "zsh", script.toString(), line));
    }
}
