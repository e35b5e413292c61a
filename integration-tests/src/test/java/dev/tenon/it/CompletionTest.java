package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

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

    private static List<String> completed(Scratch scratch, Path script, String line) {
        try {
            Process bash = new ProcessBuilder("bash", "--norc", "-c", BASH, "bash", script.toString(), line)
                    .redirectInput(new File("/dev/null"))
                    .redirectError(scratch.file("bash-errors").toFile())
                    .start();
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

    @Test
    void commandsOptionsStoragesAndVolumesAreCompleted(Scratch scratch) throws IOException {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        String image = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "1M");
        TenonCommand completion = TenonCommand.run(scratch, "completion");
        assertThat(completion.errors()).isEmpty();
        assertThat(completion.status()).isZero();
        String command = Installation.tenonCommand(scratch.temporary()).stream()
                .map(word -> "'" + word + "'")
                .collect(Collectors.joining(" "));
        Path program = Files.writeString(
                scratch.file("tenon"),
                "#!/bin/sh\nTENON_LOCK_DIR='" + scratch.file("lock") + "' exec " + command + " \"$@\"\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
        Path script = Files.writeString(scratch.file("completion.bash"), completion.said());
        String options = String.join(" ", tenon.options()) + " ";

        assertThat(completed(scratch, script, "tenon vol")).containsExactly("volume");
        assertThat(completed(scratch, script, "tenon volume re")).containsExactlyInAnyOrder("rename", "resize");
        assertThat(completed(scratch, script, "tenon volume clone --fu")).containsExactly("--full");
        String start = program + " ";
        assertThat(completed(scratch, script, start + "storage status " + options + "f"))
                .containsExactly("fast");
        assertThat(completed(scratch, script, start + "volume free " + options)).containsExactly(image);
        assertThat(completed(scratch, script, start + "volume free " + options + "fast:100/vm-"))
                .containsExactly("100/vm-100-disk-0.raw");
        assertThat(completed(scratch, script, start + "volume clone " + options + image + " --full --storage f"))
                .containsExactly("fast");
        assertThat(completed(scratch, script, start + "export " + options)).containsExactly(image);
        assertThat(completed(scratch, script, start + "export --checksum " + options + "fast:100/vm-"))
                .containsExactly("100/vm-100-disk-0.raw");
        assertThat(completed(scratch, script, "tenon export --all")).isEmpty();
        assertThat(completed(scratch, script, "tenon import --all")).containsExactly("--allow-rename");
        assertThat(completed(scratch, script, start + "volume free " + options + "slow:"))
                .isEmpty();
    }
}
