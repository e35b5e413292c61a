package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The main job as one command. */
class DemoTest {
    private record Ended(int status, String said, String errors) {}

    private static Ended demo(Scratch scratch, String... options) throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of("demo"));
        arguments.addAll(List.of(options));
        Path errors = scratch.file("errors");
        ProcessBuilder command = new ProcessBuilder(
                        Installation.tenonCommand(scratch.temporary(), arguments.toArray(String[]::new)))
                .redirectInput(new File("/dev/null"))
                .redirectError(errors.toFile());
        command.environment().remove("TENON_LOG");
        command.environment().put("PERL5LIB", scratch.file("lib").toString());
        Process process = command.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), said, Files.readString(errors));
    }

    /** A plugin that is derived from the example finds it where installed plugins are. */
    private static void install(Scratch scratch) throws IOException {
        Path custom = Files.createDirectories(scratch.file("lib").resolve("PVE/Storage/Custom"));
        Files.copy(Installation.legacyDirPlugin(), custom.resolve("LegacyDirPlugin.pm"));
    }

    @Test
    void endsWellWhenAllAnswersAgreeAndIsPlainInAPipe(Scratch scratch) throws IOException, InterruptedException {
        Ended demo = demo(scratch);

        assertThat(demo.errors()).isEmpty();
        assertThat(demo.said()).doesNotContain("\u001b", "DIFFER");
        assertThat(demo.said().lines().toList().getLast()).matches("2[0-9] passed, 0 failed");
        assertThat(demo.said())
                .contains("Perl calls Java: ", "Java calls Perl: ", "Side by side: ")
                .contains("scratch:100/vm-100-disk-0.raw  ctime=");
        assertThat(demo.status()).isZero();
        assertThat(scratch.temporary()).isEmptyDirectory();
    }

    @Test
    void endsBadlyWhenAPluginLiesAndNamesTheRows(Scratch scratch) throws IOException, InterruptedException {
        install(scratch);

        Ended demo =
                demo(scratch, "--plugin", Installation.plugin("LyingPlugin.pm").toString());

        assertThat(demo.errors()).isEmpty();
        assertThat(demo.said()).contains("PVE::Storage::Custom::LyingPlugin");
        assertThat(demo.said().lines().filter(line -> line.contains("DIFFER")))
                .hasSize(5)
                .allSatisfy(line -> assertThat(line).contains("volume_size_info("));
        assertThat(demo.said().lines().toList().getLast()).matches("\\d+ passed, 5 failed");
        assertThat(demo.status()).isOne();
        assertThat(scratch.temporary()).isEmptyDirectory();
    }

    @Test
    void refusesAPluginThatIsNone(Scratch scratch) throws IOException, InterruptedException {
        Ended demo = demo(scratch, "--plugin", "/etc/passwd");

        assertThat(demo.status()).isOne();
        assertThat(demo.errors().lines())
                .containsExactly(
                        "tenon: the plugin file '/etc/passwd' declares no package [PLUGIN_REJECTED, NOT_STARTED]");
        assertThat(scratch.temporary()).isEmptyDirectory();
    }
}
