package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A plugin in Perl and a storage in Java on one directory, compared by the command. */
class CompareCommandTest {
    private static final String PLUGIN = Installation.legacyDirPlugin().toString();

    /** What a plugin of few abilities, which dies without a code, does otherwise on purpose. */
    private static final String RULES = """
            { "rules": [
              { "method": "*", "field": "*", "ignore": true,
                "reason": "the example is smaller than 'dir' in every way", "owner": "the tests" } ] }
            """;

    private final Scratch scratch;
    private final StorageCommands tenon;

    CompareCommandTest(Scratch scratch) {
        this.scratch = scratch;
        tenon = StorageCommands.withDirectory(scratch, "fast");
        tenon.said("volume", "alloc", "fast", "--vmid", "100", "--size", "1M", "--format", "qcow2");
    }

    private TenonCommand compare(String... more) {
        String[] words = Stream.concat(Stream.of("compare"), Stream.of(more)).toArray(String[]::new);
        return TenonCommand.run(scratch, tenon.all(words));
    }

    @Test
    void aPluginIsAsGoodAsItself() {
        TenonCommand same = compare(
                "--old",
                PLUGIN,
                "--new",
                PLUGIN,
                "--storage",
                "fast",
                "--scratch",
                scratch.file("s").toString(),
                "--steps",
                "15");

        assertThat(same.status()).as(same.errors()).isZero();
        assertThat(same.said()).contains("GO: All answers say the same.").contains(" 0 differ");
        assertThat(scratch.file("s")).isEmptyDirectory();
    }

    @Test
    void whatAnotherDoesOtherwiseIsToldAndARuleTakesIt() throws IOException {
        Path report = scratch.file("report");
        TenonCommand other =
                compare("--old", PLUGIN, "--new", "dir", "--storage", "fast", "--report", report.toString());

        assertThat(other.status()).isEqualTo(1);
        assertThat(other.said()).contains("NO-GO").containsPattern("pluginData +formats +qcow2, raw");
        assertThat(other.errors()).contains("the verdict is NO-GO: There are ");
        assertThat(Files.readString(report.resolve("report.html"))).contains("NO-GO", "sha256 of the old plugin");
        assertThat(Files.readString(report.resolve("report.json"))).contains("\"verdict\" : \"NO-GO\"");

        Path rules = Files.writeString(scratch.file("rules.json"), RULES);
        TenonCommand explained =
                compare("--old", PLUGIN, "--new", "dir", "--storage", "fast", "--rules", rules.toString());
        assertThat(explained.status()).as(explained.errors()).isZero();
        assertThat(explained.said()).contains("GO WITH EXCEPTIONS: What differs is explained by 1 of the rules.");
    }

    @Test
    void whatCannotBeComparedIsSaid() {
        TenonCommand noType = compare("--old", "dir", "--new", "dri");
        assertThat(noType.status()).isEqualTo(1);
        assertThat(noType.errors()).contains("there is no storage type 'dri'").contains("dir, ");

        TenonCommand noFile = compare("--old", "./none.pm", "--new", "dir");
        assertThat(noFile.status()).isEqualTo(1);
        assertThat(noFile.errors()).contains("none.pm");

        TenonCommand noStorage = compare("--old", "dir", "--new", "dir", "--storage", "none");
        assertThat(noStorage.status()).isEqualTo(1);
        assertThat(noStorage.errors()).contains("'none'");

        TenonCommand noDirectory = compare(
                "--old", "nfs", "--new", "lvm", "--scratch", scratch.file("s").toString());
        assertThat(noDirectory.said()).contains("METHOD");
    }
}
