package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.Installation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each difference between the Debian releases that {@code docs/RELEASES.md} tells has tests, and they exist. */
class ReleasesDocumentTest {
    private static final Pattern TEST = Pattern.compile("`([\\w.-]+\\.t): ([^`]+)`|`(\\w+Test)\\.(\\w+)`");

    static List<String> rows() throws IOException {
        try (Stream<String> lines = Files.lines(Installation.home().resolve("docs/RELEASES.md"))) {
            return lines.filter(line -> line.startsWith("| ") && line.contains("`"))
                    .toList();
        }
    }

    private static String source(String name) throws IOException {
        for (String module : List.of("core", "bridge", "cli", "integration-tests")) {
            try (Stream<Path> files = Files.walk(Installation.home().resolve(module + "/src/test"))) {
                List<Path> found =
                        files.filter(file -> file.endsWith(name + ".java")).toList();
                if (!found.isEmpty()) {
                    return Files.readString(found.getFirst());
                }
            }
        }
        return "";
    }

    @ParameterizedTest
    @MethodSource("rows")
    void eachRowNamesTestsThatExist(String row) throws IOException {
        List<MatchResult> tests = TEST.matcher(row).results().toList();
        assertThat(tests).as("tests of the row").isNotEmpty();
        for (MatchResult test : tests) {
            if (test.group(1) != null) {
                assertThat(Files.readString(Installation.perlShim().resolve("t").resolve(test.group(1))))
                        .contains("subtest '" + test.group(2).replace("'", "\\'"));
            } else {
                assertThat(source(test.group(3))).as(test.group()).contains("void " + test.group(4) + "(");
            }
        }
    }
}
