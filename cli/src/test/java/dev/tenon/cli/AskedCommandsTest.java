package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class AskedCommandsTest {
    private static final Pattern WORDS = Pattern.compile("'([a-z]+) (?:'\\*|([a-z]+)')(?= \\||\\) ;;)");

    @Test
    void theStartScriptAsksForAllThatTheDaemonRuns() throws IOException {
        String script = Files.readString(Path.of("../bin/jvm.sh"));
        String asking = script.substring(script.indexOf("\nask_daemon() {"));

        assertThat(WORDS.matcher(asking.substring(0, asking.indexOf("\n}")))
                        .results()
                        .map(AskedCommandsTest::words))
                .containsExactlyInAnyOrderElementsOf(AskedCommands.KNOWN);
    }

    private static List<String> words(MatchResult found) {
        String second = found.group(2);
        return second == null ? List.of(found.group(1)) : List.of(found.group(1), second);
    }
}
