package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A host gets from an adopted plugin what it got from the plugin itself, but for what is changed and why. */
class AdoptedAnswersTest {
    private static final int VARIANTS = 150;

    @Test
    void everyAnswerCrossesAsItIsOrAsThePageOnCompatibilitySays(Scratch scratch) throws IOException {
        Path state = scratch.file("adopted");
        Path file = Files.copy(
                Installation.plugin("AnswersPlugin.pm"),
                Files.createDirectories(scratch.file("custom")).resolve("AnswersPlugin.pm"));
        List<String> meant = answers(scratch, file, "meant");
        assertThat(meant).hasSizeGreaterThan(VARIANTS);

        TenonCommand adopted = TenonCommand.run(
                scratch,
                "adopt",
                "--state",
                state.toString(),
                "--socket",
                DaemonProcess.socketIn(scratch).toString(),
                file.toString());
        assertThat(adopted.errors()).isEmpty();
        DaemonProcess.startWith(scratch, List.of("--adopted", state.toString()));

        assertThat(answers(scratch, file, "")).containsExactlyElementsOf(meant);
    }

    private static List<String> answers(Scratch scratch, Path file, String how) {
        PerlProgram program =
                PerlProgram.run(scratch, List.of(), Installation.resource("perl/answers.pl"), file.toString(), how);
        assertThat(program.errors()).isEmpty();
        return program.said().lines().toList();
    }
}
