package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The main job as one command. */
class DemoTest {
    private record Ended(int status, String said, String errors) {}

    private static Ended demo(Scratch scratch, String... options) throws IOException, InterruptedException {
        Process process = start(scratch, List.of(), options);
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), said, Files.readString(scratch.file("errors")));
    }

    private static Process start(Scratch scratch, List<String> prefix, String... options) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("demo"));
        arguments.addAll(List.of(options));
        List<String> words = new ArrayList<>(prefix);
        words.addAll(Installation.tenonCommand(scratch.temporary(), arguments.toArray(String[]::new)));
        ProcessBuilder command = new ProcessBuilder(words)
                .redirectInput(new File("/dev/null"))
                .redirectError(scratch.file("errors").toFile());
        command.environment().remove("TENON_LOG");
        command.environment().put("PERL5LIB", scratch.file("lib").toString());
        return command.start();
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

    /** The scratch storage is a directory. */
    @Test
    void comparesWhatAPluginWithoutDirectoriesAnswersWithoutAStorage(Scratch scratch)
            throws IOException, InterruptedException {
        Ended demo =
                demo(scratch, "--plugin", Installation.plugin("PoolPlugin.pm").toString());

        assertThat(demo.errors()).isEmpty();
        assertThat(demo.said())
                .contains("A storage of type 'pool-of-devices' has no 'path'")
                .contains("not compared: everything that needs a storage")
                .containsPattern("agree +plugindata\\(\\)")
                .containsPattern("agree +parse_volname\\(base-9000-disk-0/vm-100-disk-1\\) +basename=base-9000-disk-0")
                .containsPattern("agree +parse_volname\\(iso/debian.iso\\) +dies: unable to parse pool volume name")
                .doesNotContain("DIFFER");
        assertThat(demo.said().lines().toList().getLast()).isEqualTo("16 passed, 0 failed");
        assertThat(demo.status()).isZero();
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

    /** At a terminal, Ctrl-C reaches everything that was started; {@code kill} reaches one process. */
    @ParameterizedTest(name = "all of them: {0}")
    @ValueSource(booleans = {true, false})
    void leavesNothingWhenItIsCancelled(boolean all, Scratch scratch) throws IOException, InterruptedException {
        Process demo = start(scratch, List.of("setsid"));
        BufferedReader said = demo.inputReader();
        while (!Objects.requireNonNull(said.readLine()).contains("Perl calls Java: ")) {
            // until it is under way
        }

        String target = (all ? "-" : "") + demo.pid();
        assertThat(new ProcessBuilder("kill", "-INT", "--", target).start().waitFor())
                .isZero();

        assertThat(said.lines().toList()).noneMatch(line -> line.contains(" passed, "));
        assertThat(demo.waitFor()).isEqualTo(130);
        assertThat(Files.readString(scratch.file("errors"))).doesNotContain("Exception");
        assertThat(scratch.temporary()).isEmptyDirectory();
    }
}
