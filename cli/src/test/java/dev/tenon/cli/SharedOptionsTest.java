package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SharedOptionsTest {
    private final StringWriter errors = new StringWriter();

    private final Surroundings surroundings = new Surroundings(
            new DataStreams.Nothing(), new PrintWriter(new StringWriter()), new PrintWriter(errors), null, Map.of());

    private String behind(String words) {
        return String.join(" ", SharedOptions.behind(Tenon.commandLine(surroundings), words.split(" ", -1)));
    }

    @ParameterizedTest
    @CsvSource({
        "--config a.cfg volume list fast, volume list --config a.cfg fast",
        "volume --config a.cfg list fast, volume list --config a.cfg fast",
        "--config=a.cfg --json volume list fast, volume list --config=a.cfg --json fast",
        "--plugin A.pm --plugin B.pm serve --socket s, serve --plugin A.pm --plugin B.pm --socket s",
        "--journal j --quiet --pve-lib p export v -, export --journal j --quiet --pve-lib p v -",
        "volume list --config a.cfg fast, volume list --config a.cfg fast",
        "--config volume storage list, storage list --config volume",
    })
    void areTakenBehindTheNameOfTheCommand(String given, String read) {
        assertThat(behind(given)).isEqualTo(read);
    }

    @ParameterizedTest
    @CsvSource({"--help", "--vmid 100 volume alloc fast", "frobnicate --json", "storage", "--config"})
    void otherWordsStayWhereTheyAre(String words) {
        assertThat(behind(words)).isEqualTo(words);
    }

    @Test
    void aCommandThatHasNoSuchOptionRefusesIt() {
        int status = Tenon.run(surroundings, "--quiet", "completion");

        assertThat(status).isEqualTo(ExitStatus.WRONG_USAGE);
        assertThat(errors.toString()).isEqualTo("tenon: Unknown option: '--quiet'\nsee: tenon completion --help\n");
    }
}
